"""The word lists from which the simulated people and companies are put together."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = _words(
    "Grace Alan Edsger Margaret Dennis Barbara Ken Radia Linus Frances Donald Hedy Niklaus "
    "Joan Amara Kwame Priya Arjun Fatima Omar Leila Yusuf Ngozi Thabo Ingrid Lars Freya "
    "Bjorn Elena Marco Giulia Paolo Ines Tiago Camila Mateo Valeria Diego Olga Dmitri "
    "Katarina Pavel Zuzana Hannah Felix Clara Jonas Emma Oliver Charlotte Henry Amelia "
    "George Isla Jack Poppy Noah Ruby Thomas Alice Walter Edith Oscar Violet Hugo Iris "
    "Samuel Hazel Victor Olive Simon Laura Peter José Zoë Søren Łukasz François Jürgen "
    "Noémie Åsa Siobhán Renée Göran Begoña Mátyás Chloé"
)

LAST_NAMES = [
    *_words(
        "Hopper Turing Dijkstra Hamilton Ritchie Liskov Thompson Perlman Allen Knuth Wirth "
        "Clarke  Okafor Mensah Sharma Patel Haddad Farouk Demir Adeyemi Nkosi Lindqvist "
        "Berglund Halvorsen  Rossi Conti Moretti Silva Ferreira Morales Vargas Herrera "
        "Ivanova Petrov Horak Novak Kovacs  Schneider Weber Fischer Keller Brandt Marsh "
        "Whitfield Ashworth Pemberton Holloway Fairbanks  James Brooks Sutton Reyes Bishop "
        "Lowell Quincy Thorne Winslow Abbott Garner Mercer Ellison  Nuñez Żukowska Bjørnstad "
        "Müller Ångström Lefèvre Çelik Sjöberg Dvořák Gonçalves Strauß"
    ),
    "van der Berg",
    "de la Cruz",
    "von Ahlen",
    "d'Angelo",
    "O'Connell",
    "Al-Rashid",
    "Smith-Jones",
    "da Costa",
]

# Given name and family name, each with the letters its owner uses in addresses.
CJK_NAMES = [
    (("明", "Ming"), ("王", "Wang")),
    (("伟", "Wei"), ("李", "Li")),
    (("静", "Jing"), ("陈", "Chen")),
    (("健太", "Kenta"), ("田中", "Tanaka")),
    (("美咲", "Misaki"), ("佐藤", "Sato")),
    (("지민", "Jimin"), ("김", "Kim")),
]

ADJECTIVES = _words(
    "Blue Amber Silver Northern Quiet Bright Copper Crimson Golden Granite Hidden Iron Ivory Jade "
    "Lunar Maple Mellow Nimble Olive Pacific Paper Polar Rapid River Royal Rustic Scarlet Solar "
    "Stone Summit Swift Timber Urban Velvet Verdant Vivid Western Willow Winter Zephyr"
)

NOUNS = _words(
    "Harbor Anvil Beacon Bridge Canyon Cedar Circuit Compass Creek Delta Ember Falcon Field Forge "
    "Foundry Garden Glacier Grove Hammer Haven Horizon Kettle Lantern Ledger Loom Meadow Mill "
    "Orchard Osprey Pier Pixel Prairie Quarry Ridge Sparrow Spring Thicket Tide Tower Valley Wharf"
)

SUFFIXES = ("", "Labs", "Group", "Works", "Systems", "Partners", "Studio", "Logistics", "Health")

# City, state, country, ISO code, dialling prefix.
PLACES = (
    ("San Francisco", "California", "United States", "US", "+1415555"),
    ("Austin", "Texas", "United States", "US", "+1512555"),
    ("New York", "New York", "United States", "US", "+1212555"),
    ("London", "", "United Kingdom", "GB", "+44207946"),
    ("Manchester", "", "United Kingdom", "GB", "+44161496"),
    ("Berlin", "Berlin", "Germany", "DE", "+493023125"),
    ("Munich", "Bavaria", "Germany", "DE", "+498999998"),
    ("Paris", "Île-de-France", "France", "FR", "+3319900"),
    ("Amsterdam", "North Holland", "Netherlands", "NL", "+3120555"),
    ("São Paulo", "São Paulo", "Brazil", "BR", "+55115550"),
    ("Toronto", "Ontario", "Canada", "CA", "+1416555"),
    ("Stockholm", "", "Sweden", "SE", "+468465"),
    ("Singapore", "", "Singapore", "SG", "+656555"),
    ("Bengaluru", "Karnataka", "India", "IN", "+91805550"),
)

# Industry and the company function that goes with it.
INDUSTRIES = (
    ("Software Development", "B2B SaaS"),
    ("Financial Services", "Fintech"),
    ("Logistics and Supply Chain", "Logistics"),
    ("Biotechnology", "Biotech"),
    ("Marketing and Advertising", "Agency"),
    ("Renewable Energy", "Climate"),
    ("Hospitality", "Marketplace"),
    ("Computer Hardware", "Hardware"),
    ("Education", "Edtech"),
    ("Retail", "E-commerce"),
)

TECHNOLOGIES = _words(
    "amazon-web-services cloudflare google-analytics hubspot intercom kubernetes marketo node-js "
    "postgresql python react redis salesforce segment sentry shopify stripe typescript"
)

# Department to its junior, senior and executive titles.
TITLES = {
    "executive": ("Chief of Staff", "Managing Director", "Chief Executive Officer"),
    "it": ("Software Engineer", "Engineering Manager", "Chief Technology Officer"),
    "finance": ("Accountant", "Finance Manager", "Chief Financial Officer"),
    "management": ("Project Manager", "Senior Program Manager", "General Manager"),
    "sales": ("Account Executive", "Senior Sales Manager", "VP Sales"),
    "legal": ("Paralegal", "Senior Counsel", "General Counsel"),
    "support": ("Support Engineer", "Customer Support Lead", "Head of Support"),
    "hr": ("Recruiter", "Senior HR Partner", "Chief People Officer"),
    "marketing": ("Content Specialist", "Senior Marketing Manager", "Chief Marketing Officer"),
    "communication": ("Press Officer", "Senior Communications Manager", "Head of Communications"),
    "education": ("Instructor", "Training Lead", "Director of Education"),
    "design": ("Product Designer", "Senior Designer", "Head of Design"),
    "health": ("Care Coordinator", "Clinical Lead", "Chief Medical Officer"),
    "operations": ("Operations Analyst", "Operations Manager", "Chief Operating Officer"),
}
SENIORITIES = ("junior", "senior", "executive")

PATTERNS = ("{first}.{last}", "{first}.{last}", "{f}{last}", "{first}", "{first}{last}")
ROLES = ("info", "contact", "sales", "support", "press", "jobs", "billing")

# Reserved names that play the parts of free and throw-away mail services.
WEBMAIL_DOMAINS = ("freemail.example", "webmail.example", "inbox.example")
DISPOSABLE_DOMAINS = ("throwaway.example", "ten-minutes.example")
