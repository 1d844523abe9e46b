"""The vocabulary of the demo world: names, titles, places, and how two teams write the same thing.

Owns: words only. Everybody and everything here is invented.
"""

from __future__ import annotations

FIRST_NAMES = """Amara Anders Anika Bastien Beatriz Callum Carmen Chidi Clara Daisuke Dario Devika Edda Elias Elif
Emeka Esther Fabian Farah Felix Fiona Gabriel Gunnar Hana Hassan Helene Hiro Ines Ingrid Isaac Ivana Jamal Jelena
João Judith Kaito Karim Katya Kofi Lars Leila Leonie Luca Magnus Malik Marta Matteo Mei Milan Mina Nadia Niamh Nikolai
Noor Olga Omar Oscar Paloma Pascal Petra Quentin Rafael Ravi Renata Rhys Rosa Salma Samir Selma Siobhan Stefan Sunita
Svenja Tariq Thandi Theo Ulrike Valentina Viktor Wanda Xavier Yara Yusuf Zainab Zoltán""".split()  # noqa: SIM905

LAST_NAMES = """Abara Albrecht Almeida Andersen Aydin Bakker Banerjee Barros Becker Bianchi Bjork Castillo Chandra
Cohen Costa Dahl Dlamini Dubois Duarte Egger Eriksen Fernandes Fischer Fontaine Gallagher Garcia Grant Haddad Hansen
Hoffmann Horvat Ibrahim Ito Ivanov Jansen Jimenez Kaplan Kapoor Keller Khan Kim Kowalski Kruger Larsen Laurent Lehmann
Lopez Lund MacLeod Marchetti Markovic Mbeki Mendes Meyer Moreau Nakamura Navarro Ndiaye Nguyen Novak Nowak Obi Okonkwo
Olsen Ortega Osei Papadakis Park Patel Pereira Petrov Quinn Rahman Reyes Ricci Rossi Russo Saito Santos Schmidt Silva
Singh Sorensen Stein Sundaram Suzuki Takeda Torres Tran Ueda Vargas Vogel Wagner Walsh Weber Wright Yamada Yilmaz
Zhang Zimmermann""".split()  # noqa: SIM905

COMPANY_FIRST = """Alder Amber Anchor Arbor Aspen Atlas Aurora Basalt Beacon Birch Blue Bramble Bright Cedar Cinder
Cobalt Compass Copper Coral Crest Delta Drift Ember Falcon Fern Flint Forge Garnet Glacier Granite Harbor Hazel Heron
Indigo Iron Ivory Juniper Kestrel Lantern Larch Lumen Maple Marble Meridian Mistral Nimbus North Oak Onyx Opal Orchard
Osprey Pebble Pine Polar Prairie Quartz Raven Ridge River Rowan Saffron Sage Sable Sierra Slate Solstice Spruce
Sterling Summit Tidal Timber Topaz Tundra Umber Vale Verdant Violet Walnut Willow Winter Zenith""".split()  # noqa: SIM905

COMPANY_SECOND = """Analytics Biotech Capital Cargo Ceramics Chemicals Clinics Cloud Construction Consulting Dairy
Education Electric Energy Engineering Farms Foods Freight Health Insurance Labs Logistics Machinery Media Metals
Mobility Networks Optics Outfitters Packaging Partners Pharma Press Realty Retail Robotics Security Semiconductors
Software Solar Studios Systems Textiles Travel Ventures Water Works""".split()  # noqa: SIM905

LEGAL_FORMS = ("Inc.", "Inc", "LLC", "Corp.", "Corporation", "Ltd", "GmbH", "S.A.", "Co.", "Group")
TOP_LEVELS = (".com", ".com", ".com", ".io", ".co", ".de", ".net", ".eu")

# (HubSpot's value, Salesforce's value) of what a company does; several HubSpot values share a Salesforce one.
INDUSTRIES = (
    ("COMPUTER_SOFTWARE", "Technology"),
    ("INTERNET", "Technology"),
    ("INFORMATION_TECHNOLOGY_AND_SERVICES", "Technology"),
    ("FINANCIAL_SERVICES", "Finance"),
    ("BANKING", "Banking"),
    ("BIOTECHNOLOGY", "Biotechnology"),
    ("HOSPITAL_HEALTH_CARE", "Healthcare"),
    ("CONSTRUCTION", "Construction"),
    ("MANAGEMENT_CONSULTING", "Consulting"),
    ("RETAIL", "Retail"),
    ("MACHINERY", "Machinery"),
    ("TELECOMMUNICATIONS", "Telecommunications"),
    ("UTILITIES", "Utilities"),
    ("OIL_ENERGY", "Energy"),
    ("HIGHER_EDUCATION", "Education"),
    ("FOOD_BEVERAGES", "Food & Beverage"),
)

# One job, as different people write it; the first is the plain form.
JOB_TITLES = (
    ("VP Sales", "Vice President of Sales", "VP, Sales", "vp sales"),
    ("Head of Procurement", "Procurement Lead", "Head, Procurement"),
    ("CFO", "Chief Financial Officer", "C.F.O."),
    ("CTO", "Chief Technology Officer", "cto"),
    ("Marketing Manager", "Manager, Marketing", "Mktg Manager"),
    ("Operations Director", "Director of Operations", "Dir. Operations"),
    ("Account Executive", "Sr. Account Executive", "AE"),
    ("Software Engineer", "Senior Software Engineer", "Engineer"),
    ("Office Manager", "Office Administrator"),
    ("Data Analyst", "Analyst", "Data & Analytics"),
    ("Buyer", "Senior Buyer", "Category Buyer"),
    ("CEO", "Chief Executive Officer", "CEO & Founder", "Founder/CEO"),
    ("HR Business Partner", "People Partner"),
    ("Product Manager", "Product Owner", "PM"),
)

# city, state (long), state (short), postal code, country (long), country (short)
PLACES = (
    ("San Francisco", "California", "CA", "94107", "United States", "USA"),
    ("Boston", "Massachusetts", "MA", "02139", "United States", "US"),
    ("Austin", "Texas", "TX", "78701", "United States", "USA"),
    ("Newark", "New Jersey", "NJ", "07102", "United States", "United States of America"),
    ("Toronto", "Ontario", "ON", "M5V 2T6", "Canada", "CA"),
    ("London", "", "", "EC1A 1BB", "United Kingdom", "UK"),
    ("Berlin", "", "", "10115", "Germany", "DE"),
    ("München", "Bayern", "BY", "80331", "Germany", "Deutschland"),
    ("Zürich", "", "", "8001", "Switzerland", "CH"),
    ("São Paulo", "São Paulo", "SP", "01310-100", "Brazil", "BR"),
    ("Nairobi", "", "", "00100", "Kenya", "KE"),
    ("Osaka", "", "", "530-0001", "Japan", "JP"),
)

STREETS = (
    "Harbor Street",
    "Mill Road",
    "Station Avenue",
    "Linden Lane",
    "Market Square",
    "Canal Walk",
    "Hill Crescent",
)

HUBSPOT_SOURCES = ("ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "REFERRALS", "DIRECT_TRAFFIC", "OFFLINE")
SALESFORCE_SOURCES = ("Web", "Partner Referral", "Trade Show", "Phone Inquiry", "Purchased List", "Other")

DEAL_KINDS = ("Expansion", "Renewal", "Pilot", "Rollout", "Licences", "Support plan", "Migration", "Phase 2", "Upgrade")
