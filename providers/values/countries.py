"""Countries by ISO 3166-1 alpha-2 code and by English name."""

from __future__ import annotations

import unicodedata

_NAMES = """
AD Andorra; AE United Arab Emirates; AF Afghanistan; AG Antigua and Barbuda; AI Anguilla;
AL Albania; AM Armenia; AO Angola; AQ Antarctica; AR Argentina; AS American Samoa;
AT Austria; AU Australia; AW Aruba; AX Åland Islands; AZ Azerbaijan;
BA Bosnia and Herzegovina; BB Barbados; BD Bangladesh; BE Belgium; BF Burkina Faso;
BG Bulgaria; BH Bahrain; BI Burundi; BJ Benin; BL Saint Barthélemy; BM Bermuda; BN Brunei;
BO Bolivia; BQ Caribbean Netherlands; BR Brazil; BS Bahamas; BT Bhutan; BV Bouvet Island;
BW Botswana; BY Belarus; BZ Belize; CA Canada; CC Cocos Islands;
CD Democratic Republic of the Congo; CF Central African Republic; CG Republic of the Congo;
CH Switzerland; CI Ivory Coast; CK Cook Islands; CL Chile; CM Cameroon; CN China;
CO Colombia; CR Costa Rica; CU Cuba; CV Cape Verde; CW Curaçao; CX Christmas Island;
CY Cyprus; CZ Czech Republic; DE Germany; DJ Djibouti; DK Denmark; DM Dominica;
DO Dominican Republic; DZ Algeria; EC Ecuador; EE Estonia; EG Egypt; EH Western Sahara;
ER Eritrea; ES Spain; ET Ethiopia; FI Finland; FJ Fiji; FK Falkland Islands; FM Micronesia;
FO Faroe Islands; FR France; GA Gabon; GB United Kingdom; GD Grenada; GE Georgia;
GF French Guiana; GG Guernsey; GH Ghana; GI Gibraltar; GL Greenland; GM Gambia; GN Guinea;
GP Guadeloupe; GQ Equatorial Guinea; GR Greece; GS South Georgia; GT Guatemala; GU Guam;
GW Guinea-Bissau; GY Guyana; HK Hong Kong; HM Heard Island and McDonald Islands;
HN Honduras; HR Croatia; HT Haiti; HU Hungary; ID Indonesia; IE Ireland; IL Israel;
IM Isle of Man; IN India; IO British Indian Ocean Territory; IQ Iraq; IR Iran; IS Iceland;
IT Italy; JE Jersey; JM Jamaica; JO Jordan; JP Japan; KE Kenya; KG Kyrgyzstan; KH Cambodia;
KI Kiribati; KM Comoros; KN Saint Kitts and Nevis; KP North Korea; KR South Korea;
KW Kuwait; KY Cayman Islands; KZ Kazakhstan; LA Laos; LB Lebanon; LC Saint Lucia;
LI Liechtenstein; LK Sri Lanka; LR Liberia; LS Lesotho; LT Lithuania; LU Luxembourg;
LV Latvia; LY Libya; MA Morocco; MC Monaco; MD Moldova; ME Montenegro; MF Saint Martin;
MG Madagascar; MH Marshall Islands; MK North Macedonia; ML Mali; MM Myanmar; MN Mongolia;
MO Macau; MP Northern Mariana Islands; MQ Martinique; MR Mauritania; MS Montserrat;
MT Malta; MU Mauritius; MV Maldives; MW Malawi; MX Mexico; MY Malaysia; MZ Mozambique;
NA Namibia; NC New Caledonia; NE Niger; NF Norfolk Island; NG Nigeria; NI Nicaragua;
NL Netherlands; NO Norway; NP Nepal; NR Nauru; NU Niue; NZ New Zealand; OM Oman; PA Panama;
PE Peru; PF French Polynesia; PG Papua New Guinea; PH Philippines; PK Pakistan; PL Poland;
PM Saint Pierre and Miquelon; PN Pitcairn Islands; PR Puerto Rico; PS Palestine;
PT Portugal; PW Palau; PY Paraguay; QA Qatar; RE Réunion; RO Romania; RS Serbia; RU Russia;
RW Rwanda; SA Saudi Arabia; SB Solomon Islands; SC Seychelles; SD Sudan; SE Sweden;
SG Singapore; SH Saint Helena; SI Slovenia; SJ Svalbard and Jan Mayen; SK Slovakia;
SL Sierra Leone; SM San Marino; SN Senegal; SO Somalia; SR Suriname; SS South Sudan;
ST Sao Tome and Principe; SV El Salvador; SX Sint Maarten; SY Syria; SZ Eswatini;
TC Turks and Caicos Islands; TD Chad; TF French Southern Territories; TG Togo; TH Thailand;
TJ Tajikistan; TK Tokelau; TL East Timor; TM Turkmenistan; TN Tunisia; TO Tonga; TR Turkey;
TT Trinidad and Tobago; TV Tuvalu; TW Taiwan; TZ Tanzania; UA Ukraine; UG Uganda;
UM United States Minor Outlying Islands; US United States; UY Uruguay; UZ Uzbekistan;
VA Vatican City; VC Saint Vincent and the Grenadines; VE Venezuela;
VG British Virgin Islands; VI United States Virgin Islands; VN Vietnam; VU Vanuatu;
WF Wallis and Futuna; WS Samoa; YE Yemen; YT Mayotte; ZA South Africa; ZM Zambia;
ZW Zimbabwe
"""
_ALSO = """
US USA; US United States of America; GB UK; GB Great Britain; GB England; GB Scotland; GB Wales;
GB Northern Ireland; NL The Netherlands; NL Holland; CZ Czechia; KR Korea; KR Republic of Korea;
KR Korea, Republic of; RU Russian Federation; TR Türkiye; VN Viet Nam; CI Côte d'Ivoire;
CI Cote d'Ivoire; MK Macedonia; SZ Swaziland; MM Burma; CV Cabo Verde; TL Timor-Leste; MO Macao;
HK Hong Kong SAR; AE UAE; BO Plurinational State of Bolivia; IR Islamic Republic of Iran;
LA Lao People's Democratic Republic; SY Syrian Arab Republic; TZ United Republic of Tanzania;
MD Republic of Moldova; VE Bolivarian Republic of Venezuela; TW Taiwan, Province of China;
BN Brunei Darussalam; US United States of America, USA; US America; GB Britain; GB GBR; DE DEU;
FR FRA; ES ESP; IT ITA; CA CAN; AU AUS; BR BRA; IN IND; CN CHN; JP JPN; NL NLD; CH CHE; AT AUT;
BE BEL; SE SWE; NO NOR; DK DNK; FI FIN; IE IRL; PL POL; PT PRT; MX MEX; SG SGP; IL ISR; ZA ZAF;
KP Democratic People's Republic of Korea; CN People's Republic of China; CN Mainland China;
VA Vatican; VA Holy See; MF St Martin (French part); SX St Maarten (Dutch part);
FM Federated States of Micronesia; MK Republic of North Macedonia; CD DR Congo;
CD Congo, Democratic Republic of the; CG Congo, Republic of; PS State of Palestine; CD Congo;
RE Reunion; CW Curacao; DE Deutschland
"""


def _pairs(table: str) -> list[tuple[str, str]]:
    entries = (entry.strip() for entry in table.replace("\n", " ").split(";"))
    return [(entry[:2], entry[3:]) for entry in entries if entry]


NAME_OF = dict(_pairs(_NAMES))


def _fold(name: str) -> str:
    """Case, accents, full stops, "the", "&" and "Saint" tell no two countries apart."""
    bare = unicodedata.normalize("NFKD", name.casefold()).replace("&", " and ")
    letters = "".join(" " if char in _BREAKS else char for char in bare if char not in _SILENT)
    words = letters.encode("ascii", "ignore").decode().split()
    return " ".join(_SHORT.get(word, word) for word in words if word != "the")


_BREAKS, _SILENT = ",-/()", ".'\u2019"
_SHORT = {"saint": "st", "sint": "st"}
_CODE_OF = {_fold(name): code for code, name in _pairs(_NAMES) + _pairs(_ALSO)}


def to_country(value: str | None) -> str | None:
    """Alpha-2 code of a code or a name; None if it is neither."""
    text = (value or "").strip()
    return text.upper() if text.upper() in NAME_OF else _CODE_OF.get(_fold(text) or text)


def to_country_name(value: str | None) -> str | None:
    """English name of a code; anything else as it is."""
    text = (value or "").strip()
    return NAME_OF.get(text.upper(), text) or None
