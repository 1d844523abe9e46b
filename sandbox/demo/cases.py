"""The hand-written records of the demo: each one a situation that a sync has to get right.

Owns: those situations and their ids. A case's number n is in its ids on both sides: company n is HubSpot
20500000000 + n and Salesforce `001…n`, contact n is 30100000000 + n and `003…n`, deal n is 40700000000 + n and
`006…n` (base 62). Numbers from 101 on are generated (world.py).
"""

from __future__ import annotations

from dataclasses import dataclass

Values = dict[str, str | int | float | None]


@dataclass(frozen=True)
class Case:
    """One situation. A side without values has no such record. Values are API names; `company` is the
    number of the company it belongs to, `rep` the owner's mailbox on each side."""

    number: int
    what: str
    hubspot: Values | None = None
    salesforce: Values | None = None
    company: int | None = None
    rep: tuple[str | None, str] = ("maya.okafor", "maya.okafor")


LONG_TEXT = (
    "Met at the spring fair; they run eleven sites and want one contract.\nSecond paragraph, after a line break. "
    + "Their buying centre is large and every member of it has an opinion about the price list. " * 4
).strip()
LONG_TITLE = (
    "Senior Vice President for Cross-Functional Strategic Procurement, Vendor Relations, Sustainability and "
    "Facilities Management in Northern Europe"
)  # 137 characters: Salesforce's Title holds 128
LONG_NAME = "Consolidated " + "International " * 20 + "Holdings"  # 301 characters: Account.Name holds 255
LONG_DEAL_NAME = "Framework agreement for consulting, licences, support and training " * 2  # 133: Name holds 120

COMPANIES = (
    Case(
        1,
        "Acme / Acme Corp, one domain in three spellings",
        {"name": "Acme", "domain": "acme.com", "industry": "MACHINERY", "numberofemployees": "250"},
        {"Name": "Acme Corp", "Website": "https://www.acme.com/", "Industry": "Machinery", "NumberOfEmployees": 240},
    ),
    Case(
        2,
        "no domain on either side: the folded names agree",
        {"name": "Globex LLC", "industry": "OIL_ENERGY", "annualrevenue": "1500000.75"},
        {"Name": "GLOBEX, L.L.C.", "Industry": "Energy", "AnnualRevenue": 1500001},
    ),
    Case(
        3,
        "domain on one side only: falls back to the name",
        {"name": "Hooli Commerce", "domain": "hooli-commerce.com", "industry": "INTERNET"},
        {"Name": "Hooli Commerce Inc.", "Website": None, "Industry": "Technology"},
    ),
    Case(
        4,
        "two HubSpot companies share a domain (4 and 5): ambiguous",
        {"name": "Initech", "domain": "initech-systems.com", "industry": "COMPUTER_SOFTWARE"},
        {"Name": "Initech Systems", "Website": "initech-systems.com", "Industry": "Technology"},
    ),
    Case(5, "the other one", {"name": "Initech EMEA", "domain": "initech-systems.com"}),
    Case(
        6,
        "two Salesforce accounts share a website (6 and 7): ambiguous",
        {"name": "Umbrella Labs", "domain": "umbrella-labs.com", "industry": "BIOTECHNOLOGY"},
        {"Name": "Umbrella Labs", "Website": "http://umbrella-labs.com", "Industry": "Biotechnology"},
    ),
    Case(7, "the other one", None, {"Name": "Umbrella Labs (old record)", "Website": "www.umbrella-labs.com"}),
    Case(
        8,
        "one name, two different domains: two companies, never matched (8 and 9)",
        {"name": "Summit Partners", "domain": "summit-partners.com", "industry": "FINANCIAL_SERVICES"},
    ),
    Case(
        9,
        "the other one",
        None,
        {"Name": "Summit Partners", "Website": "https://summitpartners.co.uk", "Industry": "Finance"},
    ),
    Case(
        10,
        "upper case and path in the website",
        {"name": "Stark Industrial", "domain": "stark-industrial.com", "annualrevenue": "98765432109"},
        {
            "Name": "Stark Industrial",
            "Website": "HTTPS://WWW.STARK-INDUSTRIAL.COM/en/home?ref=1",
            "AnnualRevenue": 98765432109,
        },
    ),
    Case(
        11,
        "accents and umlauts",
        {"name": "Müller & Söhne GmbH", "domain": "mueller-soehne.de", "city": "München"},
        {"Name": "Mueller & Soehne", "Website": "www.mueller-soehne.de", "BillingCity": "Muenchen"},
    ),
    Case(
        12,
        "Japanese name",
        {"name": "株式会社さくら", "domain": "sakura-foods.co.jp", "city": "大阪市", "industry": "FOOD_BEVERAGES"},
        {"Name": "株式会社さくら", "Website": "https://sakura-foods.co.jp", "BillingCity": "Osaka"},
    ),
    Case(
        13,
        "right-to-left name, HubSpot only",
        {"name": "شركة النخيل للتجارة", "domain": "nakheel-trading.ae", "country": "الإمارات"},
    ),
    Case(
        14,
        "quotes, commas, backslash and ampersand in the name",
        {"name": 'Bob\'s "Best" Burgers, Fries & More \\ Co.', "domain": "bobs-best-burgers.com"},
        {"Name": 'Bob\'s "Best" Burgers, Fries & More', "Website": "bobs-best-burgers.com"},
    ),
    Case(
        15,
        "long text and line breaks in the description; street of two lines in Salesforce",
        {"name": "Tyrell Optics", "domain": "tyrell-optics.com", "description": LONG_TEXT, "address": "12 Mill Road"},
        {
            "Name": "Tyrell Optics",
            "Website": "tyrell-optics.com",
            "BillingStreet": "12 Mill Road\nBuilding C",
            "Description": "See HubSpot.",
        },
    ),
    Case(16, "no owner in HubSpot: excluded by the rules", {"name": "Vandelay Imports", "domain": "vandelay.co"},
         {"Name": "Vandelay Imports", "Website": "vandelay.co"}, rep=(None, "priya.raman")),
    Case(17, "no owner in HubSpot, HubSpot only", {"name": "Pied Piper Networks", "domain": "piedpiper-networks.io"},
         rep=(None, "priya.raman")),
    Case(18, "owner unknown to Salesforce", {"name": "Wonka Sweets", "domain": "wonka-sweets.com"},
         rep=("greta.solberg", "maya.okafor")),
    Case(19, "owner unknown to HubSpot", None, {"Name": "Cyberdyne Robotics", "Website": "cyberdyne-robotics.com"},
         rep=(None, "dmitri.volkov")),
    Case(20, "owner inactive in Salesforce", {"name": "Soylent Farms", "domain": "soylent-farms.com"},
         {"Name": "Soylent Farms", "Website": "soylent-farms.com"}, rep=("walter.quist", "walter.quist")),
    Case(21, "name longer than Salesforce holds, HubSpot only", {"name": LONG_NAME, "domain": "consolidated-intl.com"}),
    Case(22, "neither domain nor website, HubSpot only", {"name": "Corner Café"}),
    Case(23, "blank values on one side", {"name": "Massive Dynamic Media", "domain": "massive-dynamic.net",
                                          "industry": None, "numberofemployees": None, "phone": "+1 617 555 0143"},
         {"Name": "Massive Dynamic Media", "Website": "massive-dynamic.net", "Industry": "Media",
          "NumberOfEmployees": 0, "Phone": None}),
)  # fmt: skip

CONTACTS = (
    Case(
        1,
        "the same person, differing title and phone format",
        {
            "firstname": "Ada",
            "lastname": "Brandt",
            "email": "ada.brandt@acme.com",
            "jobtitle": "VP Sales",
            "phone": "+1 415 555 0100",
            "lifecyclestage": "customer",
        },
        {
            "FirstName": "Ada",
            "LastName": "Brandt",
            "Email": "ada.brandt@acme.com",
            "Title": "Vice President, Sales",
            "Phone": "(415) 555-0100",
        },
        company=1,
    ),
    Case(
        2,
        "e-mail in another case",
        {"firstname": "Liam", "lastname": "O'Connor", "email": "liam.oconnor@hooli-commerce.com",
         "lifecyclestage": "opportunity"},
        {"FirstName": "Liam", "LastName": "O’Connor", "Email": "Liam.OConnor@Hooli-Commerce.com"},
        company=3,
    ),
    Case(
        3,
        "one HubSpot contact, two Salesforce contacts with its e-mail (3 and 4): ambiguous",
        {"firstname": "Info", "lastname": "Desk", "email": "info@umbrella-labs.com",
         "lifecyclestage": "salesqualifiedlead"},
        {"FirstName": "Petra", "LastName": "Voss", "Email": "info@umbrella-labs.com", "Title": "Receptionist"},
        company=6,
    ),
    Case(4, "the other one", None, {"FirstName": "Jan", "LastName": "Voss", "Email": "info@umbrella-labs.com"},
         company=6),
    Case(5, "two Salesforce contacts with one e-mail, none in HubSpot (5 and 6): ambiguous", None,
         {"FirstName": "Rita", "LastName": "Moss", "Email": "sales@stark-industrial.com"}, company=10),
    Case(6, "the other one", None,
         {"FirstName": "Rita", "LastName": "Moss-Lee", "Email": "Sales@Stark-Industrial.com"}, company=10),
    Case(7, "three Salesforce contacts with one e-mail (7 to 9)",
         {"firstname": "Team", "lastname": "Buying", "email": "buying@initech-systems.com",
          "lifecyclestage": "customer"},
         {"FirstName": "Milton", "LastName": "Adams", "Email": "buying@initech-systems.com"}, company=4),
    Case(8, "the second", None, {"FirstName": "Peter", "LastName": "Adams", "Email": "buying@initech-systems.com"},
         company=4),
    Case(9, "the third", None, {"FirstName": "Samir", "LastName": "Adams", "Email": "BUYING@initech-systems.com"},
         company=4),
    Case(10, "the Salesforce e-mail is an additional e-mail of the HubSpot contact",
         {"firstname": "Nora", "lastname": "Feld", "email": "nora.feld@mueller-soehne.de",
          "hs_additional_emails": "n.feld@mueller-soehne.de;nora@feld-family.net",
          "lifecyclestage": "marketingqualifiedlead"},
         {"FirstName": "Nora", "LastName": "Feld", "Email": "n.feld@mueller-soehne.de"}, company=11),
    Case(11, "both addresses of one HubSpot contact are Salesforce contacts of their own (11 and 12)",
         {"firstname": "Otto", "lastname": "Brenner", "email": "otto.brenner@mueller-soehne.de",
          "hs_additional_emails": "o.brenner@mueller-soehne.de", "lifecyclestage": "salesqualifiedlead"},
         {"FirstName": "Otto", "LastName": "Brenner", "Email": "otto.brenner@mueller-soehne.de"}, company=11),
    Case(12, "the other address", None,
         {"FirstName": "Otto", "LastName": "Brenner (private)", "Email": "o.brenner@mueller-soehne.de"}, company=11),
    Case(13, "no e-mail on either side, same name: never matched",
         {"firstname": "Gus", "lastname": "Oakley", "phone": "+1 617 555 0199", "lifecyclestage": "opportunity"},
         {"FirstName": "Gus", "LastName": "Oakley", "Phone": "617-555-0199"}, company=1),
    Case(14, "e-mail missing in Salesforce only",
         {"firstname": "Hilde", "lastname": "Storm", "email": "hilde.storm@tyrell-optics.com",
          "lifecyclestage": "customer"},
         {"FirstName": "Hilde", "LastName": "Storm", "Email": None}, company=15),
    Case(15, "test address @test.com in both CRMs",
         {"firstname": "Test", "lastname": "Person", "email": "test.person@test.com", "lifecyclestage": "customer"},
         {"FirstName": "Test", "LastName": "Person", "Email": "test.person@test.com"}),
    Case(16, "test address @example.com, HubSpot only",
         {"firstname": "Demo", "lastname": "User", "email": "demo.user@example.com",
          "lifecyclestage": "salesqualifiedlead"}),
    Case(17, "test address @test.com, Salesforce only", None,
         {"FirstName": "QA", "LastName": "Robot", "Email": "qa.robot@TEST.com"}),
    Case(18, "accents, umlauts, a sharp s",
         {"firstname": "Zoë", "lastname": "Çelik-Weiß", "email": "zoe.celik@mueller-soehne.de",
          "jobtitle": "Leiterin Einkauf", "city": "Köln", "lifecyclestage": "customer"},
         {"FirstName": "Zoe", "LastName": "Celik-Weiss", "Email": "zoe.celik@mueller-soehne.de",
          "Title": "Leiterin Einkauf", "MailingCity": "Koeln"}, company=11),
    Case(19, "Japanese name", {"firstname": "健太", "lastname": "田中", "email": "kenta.tanaka@sakura-foods.co.jp",
                               "jobtitle": "営業部長", "lifecyclestage": "opportunity"},
         {"FirstName": "Kenta", "LastName": "Tanaka", "Email": "kenta.tanaka@sakura-foods.co.jp", "Title": "営業部長"},
         company=12),
    Case(20, "right-to-left name, HubSpot only: will be created in Salesforce",
         {"firstname": "محمد", "lastname": "الأمين", "email": "m.alamin@nakheel-trading.ae",
          "jobtitle": "مدير المشتريات", "lifecyclestage": "salesqualifiedlead"}, company=13),
    Case(21, "emoji, quotes, commas",
         {"firstname": 'Robert "Bob"', "lastname": "Tables, Jr.", "email": "bob.tables@bobs-best-burgers.com",
          "jobtitle": "Chief 🍔 Officer; \\'DROP TABLE", "lifecyclestage": "customer"},
         {"FirstName": "Robert", "LastName": "Tables, Jr.", "Email": "bob.tables@bobs-best-burgers.com",
          "Title": "Chief 🍔 Officer; \\'DROP TABLE"}, company=14),
    Case(22, "title longer than Salesforce holds, on a linked record",
         {"firstname": "Greta", "lastname": "Lang", "email": "greta.lang@tyrell-optics.com", "jobtitle": LONG_TITLE,
          "message": LONG_TEXT, "lifecyclestage": "customer"},
         {"FirstName": "Greta", "LastName": "Lang", "Email": "greta.lang@tyrell-optics.com", "Title": None},
         company=15),
    Case(23, "street of two lines in Salesforce, one in HubSpot",
         {"firstname": "Ian", "lastname": "Frost", "email": "ian.frost@stark-industrial.com",
          "address": "1 Harbor Street", "zip": "02139", "lifecyclestage": "customer"},
         {"FirstName": "Ian", "LastName": "Frost", "Email": "ian.frost@stark-industrial.com",
          "MailingStreet": "1 Harbor Street\r\n4th floor", "MailingPostalCode": "02139"}, company=10),
    Case(24, "no last name, HubSpot only: Salesforce requires one",
         {"firstname": "Cher", "email": "cher@wonka-sweets.com", "lifecyclestage": "marketingqualifiedlead"},
         company=18),
    Case(25, "plus address and a subdomain",
         {"firstname": "Pat", "lastname": "Reed", "email": "pat.reed+crm@eu.acme.com", "lifecyclestage": "customer"},
         {"FirstName": "Pat", "LastName": "Reed", "Email": "pat.reed+crm@eu.acme.com"}, company=1),
    Case(26, "owner inactive in Salesforce",
         {"firstname": "Sven", "lastname": "Berg", "email": "sven.berg@soylent-farms.com",
          "lifecyclestage": "customer"},
         {"FirstName": "Sven", "LastName": "Berg", "Email": "sven.berg@soylent-farms.com"}, company=20,
         rep=("walter.quist", "walter.quist")),
    Case(27, "owner known to HubSpot only",
         {"firstname": "Lena", "lastname": "Wolff", "email": "lena.wolff@wonka-sweets.com",
          "lifecyclestage": "opportunity"},
         {"FirstName": "Lena", "LastName": "Wolff", "Email": "lena.wolff@wonka-sweets.com"}, company=18,
         rep=("greta.solberg", "aiko.tanabe")),
    Case(28, "owner known to Salesforce only", None,
         {"FirstName": "Miles", "LastName": "Dyson", "Email": "miles.dyson@cyberdyne-robotics.com"}, company=19,
         rep=(None, "dmitri.volkov")),
    Case(29, "a raw lead in HubSpot: not included, not created in Salesforce",
         {"firstname": "Early", "lastname": "Bird", "email": "early.bird@pebble-press.com", "lifecyclestage": "lead"}),
    Case(30, "a subscriber in HubSpot who is a contact in Salesforce: may be written to, does not write",
         {"firstname": "Sue", "lastname": "Page", "email": "sue.page@acme.com", "jobtitle": "Reader",
          "lifecyclestage": "subscriber"},
         {"FirstName": "Susan", "LastName": "Page", "Email": "sue.page@acme.com", "Title": "Editor"}, company=1),
    Case(31, "in agreement on both sides",
         {"firstname": "Even", "lastname": "Steven", "email": "even.steven@acme.com", "jobtitle": "Buyer",
          "phone": "(415) 555-0177", "lifecyclestage": "customer"},
         {"FirstName": "Even", "LastName": "Steven", "Email": "even.steven@acme.com", "Title": "Buyer",
          "Phone": "(415) 555-0177"}, company=1),
    Case(32, "Salesforce contact without account, HubSpot contact with company",
         {"firstname": "Lone", "lastname": "Ranger", "email": "lone.ranger@acme.com", "lifecyclestage": "customer"},
         {"FirstName": "Lone", "LastName": "Ranger", "Email": "lone.ranger@acme.com", "AccountId": None}, company=1),
)  # fmt: skip

DEALS = (
    Case(1, "unmapped stage in use", {"dealname": "Acme - Renewal 2026", "amount": "48000", "pipeline": "21740013",
                                      "dealstage": "52118802", "closedate": "2026-11-30T12:00:00.000Z"}, company=1),
    Case(2, "unmapped stage in use", {"dealname": "Tyrell Optics - Renewal", "amount": "12500.50",
                                      "pipeline": "21740013", "dealstage": "52118802",
                                      "closedate": "2026-12-15T12:00:00.000Z"}, company=15),
    Case(3, "unmapped stage in use, closed", {"dealname": "Soylent Farms - Renewal", "amount": "9900",
                                              "pipeline": "21740013", "dealstage": "52118803",
                                              "closedate": "2026-06-30T12:00:00.000Z"}, company=20),
    Case(4, "leap day, minutes before midnight",
         {"dealname": "Leap day deal", "amount": "2902.24", "dealstage": "closedwon",
          "closedate": "2024-02-29T23:45:00.000Z"},
         {"Name": "Leap year opportunity", "Amount": 2902.24, "StageName": "Closed Won", "CloseDate": "2024-02-29"},
         company=10),
    Case(5, "very large amount",
         {"dealname": "Orbital lift programme", "amount": "98765432109.99", "dealstage": "contractsent",
          "closedate": "2027-03-31T12:00:00.000Z"},
         {"Name": "Deep sea cable programme", "Amount": 91234567890.12, "StageName": "Negotiation/Review",
          "CloseDate": "2027-03-31"}, company=10),
    Case(6, "three decimals: rounded by Salesforce",
         {"dealname": "Odd cents", "amount": "1234.567", "dealstage": "qualifiedtobuy",
          "closedate": "2026-12-01T00:00:00.000Z"}, company=1),
    Case(7, "zero and blank amounts",
         {"dealname": "Free pilot", "amount": "0", "dealstage": "appointmentscheduled",
          "closedate": "2026-12-24T12:00:00.000Z"},
         {"Name": "Unpriced pilot", "Amount": None, "StageName": "Discovery", "CloseDate": "2026-12-24"}, company=3),
    Case(8, "no close date, HubSpot only: Salesforce requires one",
         {"dealname": "Some day", "amount": "5000", "dealstage": "presentationscheduled"}, company=1),
    Case(9, "name longer than Salesforce holds",
         {"dealname": LONG_DEAL_NAME, "amount": "77000", "dealstage": "decisionmakerboughtin",
          "closedate": "2026-12-31T12:00:00.000Z", "description": LONG_TEXT}, company=15),
    Case(10, "quotes, commas, emoji, several scripts",
         {"dealname": 'Bob\'s "Big" deal, part 2 🍔', "amount": "640", "dealstage": "closedlost",
          "closedate": "2026-03-29T01:30:00.000Z"},
         {"Name": "さくら 年間契約, \"phase 1\"", "Amount": 1200000, "StageName": "Closed Lost",
          "CloseDate": "2026-03-29", "Description": LONG_TEXT}, company=12),
    Case(11, "decision maker bought in and contract sent share a Salesforce stage",
         {"dealname": "Umbrella Labs - Rollout", "amount": "30000", "dealstage": "decisionmakerboughtin",
          "closedate": "2026-12-05T12:00:00.000Z"},
         {"Name": "Umbrella Labs - Freezers", "Amount": 31000, "StageName": "Negotiation/Review",
          "CloseDate": "2026-12-05"}, company=6),
    Case(12, "no company", {"dealname": "Walk-in licence", "amount": "99", "dealstage": "closedwon",
                            "closedate": "2026-08-01T12:00:00.000Z"},
         {"Name": "Walk-in support", "Amount": 95.5, "StageName": "Closed Won", "CloseDate": "2026-08-01"}),
)  # fmt: skip
