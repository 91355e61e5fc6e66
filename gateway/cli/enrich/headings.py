"""Column headings of address books and CRM exports, plainest first, in eight languages."""

from __future__ import annotations

SYNONYMS: dict[str, tuple[str, ...]] = {
    "first_name": (
        "first name", "firstname", "given name", "forename", "christian name", "first", "fname",
        "prenom", "vorname", "rufname", "nombre de pila", "primer nombre", "nombre",
        "nome proprio", "primeiro nome", "voornaam", "imie", "fornamn", "fornavn",
    ),
    "last_name": (
        "last name", "lastname", "surname", "family name", "last", "lname", "nom de famille",
        "nom", "nachname", "familienname", "zuname", "apellidos", "apellido", "cognome",
        "apelido", "sobrenome", "ultimo nome", "achternaam", "nazwisko", "efternamn",
        "etternavn", "efternavn",
    ),
    "full_name": (
        "full name", "fullname", "name", "person", "contact", "contact name", "person name",
        "display name", "lead", "prospect", "nom complet", "nom et prenom", "prenom nom",
        "vollstandiger name", "vor und nachname", "ansprechpartner", "kontakt",
        "nombre completo", "nombre y apellidos", "nome completo", "nome e cognome", "nominativo",
        "volledige naam", "naam", "imie i nazwisko", "namn", "navn",
    ),
    "domain": (
        "domain", "company domain", "domain name", "email domain", "company domain name",
        "website", "company website", "web site", "website url", "company website url",
        "company url", "homepage", "web", "web page", "web address", "url", "site web", "site",
        "site internet", "domaine", "nom de domaine", "webseite", "firmenwebseite",
        "internetseite", "internet", "firmendomain", "sitio web", "pagina web", "dominio",
        "sito web", "sito", "dominio aziendale", "site da empresa", "webpagina",
        "bedrijfswebsite", "domein", "strona internetowa", "strona www", "www", "domena",
        "webbplats", "hemsida", "nettside", "hjemmeside",
    ),
    "company": (
        "company", "company name", "company name for emails", "organization", "organisation",
        "organization name", "organisation name", "employer", "account", "account name",
        "current company", "business name", "firm", "entreprise", "societe",
        "nom de l entreprise", "nom de la societe", "raison sociale", "firma", "firmenname",
        "unternehmen", "unternehmensname", "arbeitgeber", "gesellschaft", "empresa",
        "nombre de la empresa", "compania", "razon social", "azienda", "nome azienda", "societa",
        "ragione sociale", "nome da empresa", "bedrijf", "bedrijfsnaam", "werkgever",
        "nazwa firmy", "foretag", "bedrift", "virksomhed",
    ),
    "email": (
        "email", "e mail", "email address", "e mail address", "mail", "mail address",
        "work email", "business email", "professional email", "email 1", "e mail 1 value",
        "primary email", "courriel", "adresse e mail", "adresse email", "adresse mail",
        "adresse electronique", "e mail adresse", "emailadresse", "mailadresse",
        "correo electronico", "correo", "direccion de correo electronico", "posta elettronica",
        "indirizzo email", "indirizzo e mail", "endereco de email", "endereco de e mail",
        "e mailadres", "emailadres", "adres e mail", "adres email", "e post", "epost",
        "e postadress",
    ),
    "linkedin_url": (
        "linkedin url", "linkedin", "linkedin profile", "linkedin profile url",
        "person linkedin url", "linkedin link", "profile url", "linkedin address", "li url",
        "profil linkedin", "url linkedin", "lien linkedin", "linkedin profil",
        "perfil de linkedin", "perfil linkedin", "profilo linkedin", "linkedin profiel",
    ),
}  # fmt: skip
"""As `mapping.normalise` leaves them: lower case, without accents and punctuation."""

NOISE = {
    "business", "client", "contact", "customer", "kontakt", "lead", "main", "person", "primary",
    "professional", "prospect", "the", "work", "your",
}  # fmt: skip
"""Words before or after a heading that say whose it is, not what it is."""

OWN_NAME = {"company": ("name", "nom", "nombre", "nome", "naam", "namn", "navn")}
"""In a file of companies a bare name is the company's."""
