// Drives the stand-in Salesforce with jsforce and prints what came back as one JSON object.
// Usage: node jsforce_checks.js LOGIN_URL CLIENT_ID CLIENT_SECRET KEY_FIELD   (NODE_PATH names jsforce's folder)
'use strict';

const jsforce = require('jsforce');

const [loginUrl, clientId, clientSecret, keyField] = process.argv.slice(2);
const POLL = { pollInterval: 50, pollTimeout: 20000 };

async function logIn() {
  const conn = new jsforce.Connection({ version: '60.0', oauth2: { loginUrl, clientId, clientSecret } });
  await conn.authorize({ grant_type: 'client_credentials' });
  return conn;
}

async function refusal(call) {
  try {
    await call();
    return null;
  } catch (error) {
    return { name: error.name, code: error.errorCode, message: error.message };
  }
}

async function paging(conn) {
  const first = await conn.query('SELECT Id, LastName, Account.Name FROM Contact ORDER BY LastName');
  const second = await conn.queryMore(first.nextRecordsUrl);
  const everything = await conn.query('SELECT Id FROM Contact').execute({ autoFetch: true, maxFetch: 10000 });
  return {
    totalSize: first.totalSize,
    sizes: [first.records.length, second.records.length],
    done: [first.done, second.done],
    fetched: everything.records ? everything.records.length : everything.length,
  };
}

async function records(conn) {
  const created = await conn.sobject('Account').create({ Name: 'Acme', Website: 'acme.com' });
  const read = await conn.sobject('Account').retrieve(created.id);
  const updated = await conn.sobject('Account').update({ Id: created.id, Name: 'Apex' });
  const upserted = await conn.sobject('Contact').upsert({ LastName: 'Lee', [keyField]: 'k-0' }, keyField);
  const deleted = await conn.sobject('Account').destroy(created.id);
  return { created, name: read.Name, updated, upserted, deleted };
}

async function collections(conn) {
  const rows = [{ LastName: 'One' }, { LastName: null }, { LastName: 'Three' }];
  const created = await conn.sobject('Contact').create(rows, { allOrNone: false });
  const ids = created.filter((row) => row.success).map((row) => row.id);
  const updated = await conn.sobject('Contact').update(ids.map((Id) => ({ Id, Title: 'CEO' })));
  const upserts = ['k-0', 'k-1'].map((key) => ({ LastName: 'Lee', [keyField]: key }));
  const upserted = await conn.sobject('Contact').upsert(upserts, keyField);
  const read = await conn.sobject('Contact').retrieve(ids);
  const deleted = await conn.sobject('Contact').destroy(ids);
  return { created, updated, upserted, titles: read.map((row) => row.Title), deleted };
}

async function bulk(conn) {
  const rows = (count, from) =>
    Array.from({ length: count }, (_, n) => ({ [keyField]: `b-${from + n}`, LastName: `Bulk, "${from + n}"` }));
  const insert = { object: 'Contact', operation: 'insert', input: rows(250, 0), ...POLL };
  const inserted = await conn.bulk2.loadAndWaitForResults(insert);
  const mixed = [...rows(10, 245), { [keyField]: 'b-bad', LastName: '' }];
  const upsert = { object: 'Contact', operation: 'upsert', externalIdFieldName: keyField, input: mixed, ...POLL };
  const upserted = await conn.bulk2.loadAndWaitForResults(upsert);
  const soql = `SELECT Id, LastName, ${keyField} FROM Contact WHERE ${keyField} LIKE 'b-%'`;
  const stream = await conn.bulk2.query(soql, POLL);
  const found = await stream.toArray();
  const count = (result) => [result.successfulResults.length, result.failedResults.length];
  return {
    inserted: count(inserted),
    upserted: count(upserted),
    created: upserted.successfulResults.filter((row) => row.sf__Created === 'true').length,
    error: upserted.failedResults[0].sf__Error,
    found: found.length,
    sample: found.find((row) => row[keyField] === 'b-7').LastName,
  };
}

async function describes(conn) {
  const everything = await conn.describeGlobal();
  const contact = await conn.sobject('Contact').describe();
  return {
    objects: everything.sobjects.map((each) => each.name),
    lastName: contact.fields.find((each) => each.name === 'LastName'),
    children: contact.childRelationships.length,
  };
}

async function refusals(conn) {
  return {
    query: await refusal(() => conn.query('SELECT Nope FROM Contact')),
    create: await refusal(() => conn.sobject('Contact').create({ Email: 'x@example.com' })),
    read: await refusal(() => conn.sobject('Contact').retrieve('003000000000000AAA')),
  };
}

async function main() {
  const conn = await logIn();
  const identity = await conn.identity();
  const limits = await conn.limits();
  const results = { username: identity.username, calls: limits.DailyApiRequests.Max };
  for (const [name, check] of Object.entries({ paging, records, collections, bulk, describes, refusals })) {
    results[name] = await check(conn);
  }
  const usage = conn.limitInfo && conn.limitInfo.apiUsage;
  results.usage = usage ? usage.limit : null;
  console.log(JSON.stringify(results));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
