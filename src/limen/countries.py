"""Countries by ISO 3166-1 alpha-3 code, with the bit that stands for each in visibility bitmaps.

Codes and names: ISO 3166-1:2020 (names in the short form that officers read), then the codes of ICAO Doc 9303 part 3
section 5 for authorities that send records or officers without being in ISO's list.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from limen.errors import BadInput

SIZE = 32  # bytes of a bitmap: 256 bits (`wire.messages.VISIBILITY`)
EVERYONE = b"\xff" * SIZE  # also for countries that are appended later

# A country's place is its bit in stored bitmaps and on the wire: append, never reorder or remove.
_TABLE = """\
ABW Aruba
AFG Afghanistan
AGO Angola
AIA Anguilla
ALA Åland Islands
ALB Albania
AND Andorra
ARE United Arab Emirates
ARG Argentina
ARM Armenia
ASM American Samoa
ATA Antarctica
ATF French Southern Territories
ATG Antigua and Barbuda
AUS Australia
AUT Austria
AZE Azerbaijan
BDI Burundi
BEL Belgium
BEN Benin
BES Bonaire, Sint Eustatius and Saba
BFA Burkina Faso
BGD Bangladesh
BGR Bulgaria
BHR Bahrain
BHS Bahamas
BIH Bosnia and Herzegovina
BLM Saint Barthélemy
BLR Belarus
BLZ Belize
BMU Bermuda
BOL Bolivia
BRA Brazil
BRB Barbados
BRN Brunei Darussalam
BTN Bhutan
BVT Bouvet Island
BWA Botswana
CAF Central African Republic
CAN Canada
CCK Cocos (Keeling) Islands
CHE Switzerland
CHL Chile
CHN China
CIV Côte d'Ivoire
CMR Cameroon
COD Democratic Republic of the Congo
COG Congo
COK Cook Islands
COL Colombia
COM Comoros
CPV Cabo Verde
CRI Costa Rica
CUB Cuba
CUW Curaçao
CXR Christmas Island
CYM Cayman Islands
CYP Cyprus
CZE Czechia
DEU Germany
DJI Djibouti
DMA Dominica
DNK Denmark
DOM Dominican Republic
DZA Algeria
ECU Ecuador
EGY Egypt
ERI Eritrea
ESH Western Sahara
ESP Spain
EST Estonia
ETH Ethiopia
FIN Finland
FJI Fiji
FLK Falkland Islands (Malvinas)
FRA France
FRO Faroe Islands
FSM Micronesia
GAB Gabon
GBR United Kingdom
GEO Georgia
GGY Guernsey
GHA Ghana
GIB Gibraltar
GIN Guinea
GLP Guadeloupe
GMB Gambia
GNB Guinea-Bissau
GNQ Equatorial Guinea
GRC Greece
GRD Grenada
GRL Greenland
GTM Guatemala
GUF French Guiana
GUM Guam
GUY Guyana
HKG Hong Kong
HMD Heard Island and McDonald Islands
HND Honduras
HRV Croatia
HTI Haiti
HUN Hungary
IDN Indonesia
IMN Isle of Man
IND India
IOT British Indian Ocean Territory
IRL Ireland
IRN Iran
IRQ Iraq
ISL Iceland
ISR Israel
ITA Italy
JAM Jamaica
JEY Jersey
JOR Jordan
JPN Japan
KAZ Kazakhstan
KEN Kenya
KGZ Kyrgyzstan
KHM Cambodia
KIR Kiribati
KNA Saint Kitts and Nevis
KOR Republic of Korea
KWT Kuwait
LAO Laos
LBN Lebanon
LBR Liberia
LBY Libya
LCA Saint Lucia
LIE Liechtenstein
LKA Sri Lanka
LSO Lesotho
LTU Lithuania
LUX Luxembourg
LVA Latvia
MAC Macao
MAF Saint Martin (French part)
MAR Morocco
MCO Monaco
MDA Moldova
MDG Madagascar
MDV Maldives
MEX Mexico
MHL Marshall Islands
MKD North Macedonia
MLI Mali
MLT Malta
MMR Myanmar
MNE Montenegro
MNG Mongolia
MNP Northern Mariana Islands
MOZ Mozambique
MRT Mauritania
MSR Montserrat
MTQ Martinique
MUS Mauritius
MWI Malawi
MYS Malaysia
MYT Mayotte
NAM Namibia
NCL New Caledonia
NER Niger
NFK Norfolk Island
NGA Nigeria
NIC Nicaragua
NIU Niue
NLD Netherlands
NOR Norway
NPL Nepal
NRU Nauru
NZL New Zealand
OMN Oman
PAK Pakistan
PAN Panama
PCN Pitcairn
PER Peru
PHL Philippines
PLW Palau
PNG Papua New Guinea
POL Poland
PRI Puerto Rico
PRK Democratic People's Republic of Korea
PRT Portugal
PRY Paraguay
PSE Palestine
PYF French Polynesia
QAT Qatar
REU Réunion
ROU Romania
RUS Russian Federation
RWA Rwanda
SAU Saudi Arabia
SDN Sudan
SEN Senegal
SGP Singapore
SGS South Georgia and the South Sandwich Islands
SHN Saint Helena, Ascension and Tristan da Cunha
SJM Svalbard and Jan Mayen
SLB Solomon Islands
SLE Sierra Leone
SLV El Salvador
SMR San Marino
SOM Somalia
SPM Saint Pierre and Miquelon
SRB Serbia
SSD South Sudan
STP Sao Tome and Principe
SUR Suriname
SVK Slovakia
SVN Slovenia
SWE Sweden
SWZ Eswatini
SXM Sint Maarten (Dutch part)
SYC Seychelles
SYR Syria
TCA Turks and Caicos Islands
TCD Chad
TGO Togo
THA Thailand
TJK Tajikistan
TKL Tokelau
TKM Turkmenistan
TLS Timor-Leste
TON Tonga
TTO Trinidad and Tobago
TUN Tunisia
TUR Türkiye
TUV Tuvalu
TWN Taiwan
TZA Tanzania
UGA Uganda
UKR Ukraine
UMI United States Minor Outlying Islands
URY Uruguay
USA United States of America
UZB Uzbekistan
VAT Holy See
VCT Saint Vincent and the Grenadines
VEN Venezuela
VGB British Virgin Islands
VIR United States Virgin Islands
VNM Viet Nam
VUT Vanuatu
WLF Wallis and Futuna
WSM Samoa
YEM Yemen
ZAF South Africa
ZMB Zambia
ZWE Zimbabwe
XKX Kosovo
XOM Sovereign Order of Malta
XPO INTERPOL
UNO United Nations
"""

_NAMES: dict[str, str] = dict(line.split(" ", 1) for line in _TABLE.splitlines())

ORDER: tuple[str, ...] = tuple(_NAMES)
_BITS = {code: bit for bit, code in enumerate(ORDER)}


def check(code: str) -> str:
    """The code in upper case.

    Raises:
        BadInput: there is no such country; the advice names near matches, by code or by name.
    """
    word = code.strip().upper()
    if word in _BITS:
        return word
    raise BadInput(f"'{code[:40]}' is no country code.", advice=_near(word))


def name(code: str) -> str:
    """English short name of a country; `BadInput` as in `check`."""
    return _NAMES[check(code)]


def bitmap(codes: Iterable[str] | None) -> bytes:
    """Bitmap of 32 bytes over `ORDER`; bit n is bit n % 8 of byte n // 8. None: everyone, now and later.

    Raises:
        BadInput: one of the codes is no country.
    """
    if codes is None:
        return EVERYONE
    bits = sum({1 << _BITS[check(code)] for code in codes})
    return bits.to_bytes(SIZE, "little")


def in_bitmap(bitmap: bytes, code: str) -> bool:
    """Whether a country's bit is set. `BadInput` as in `check`; `ValueError` if the bitmap is not 32 bytes."""
    if len(bitmap) != SIZE:
        raise ValueError(f"a visibility bitmap has {SIZE} bytes, not {len(bitmap)}")
    bit = _BITS[check(code)]
    return bool(bitmap[bit // 8] >> bit % 8 & 1)


def listed(bitmap: bytes) -> list[str] | None:
    """The codes whose bits are set, in `ORDER`; None for everyone."""
    return None if bitmap == EVERYONE else [code for code in ORDER if in_bitmap(bitmap, code)]


def _near(word: str) -> str:
    by_name = {name.upper(): code for code, name in _NAMES.items()}
    codes = [by_name[name] for name in difflib.get_close_matches(word, by_name, n=3, cutoff=0.75)]
    codes += [code for name, code in by_name.items() if len(word) > 3 and word in name]
    codes += difflib.get_close_matches(word, ORDER, n=3, cutoff=0.6)
    near = ", ".join(f"{code} ({_NAMES[code]})" for code in list(dict.fromkeys(codes))[:4])
    return f"Near: {near}." if near else "Use an ISO 3166-1 alpha-3 code, such as FRA."
