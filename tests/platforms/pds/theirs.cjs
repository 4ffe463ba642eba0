// A Bluesky server as others run it, with what it needs around it: a directory of accounts (PLC) and, where a
// PostgreSQL database is given, an AppView. All of it is npm's `@atproto/dev-env`.
//
//     node theirs.cjs FOLDER-OF-NPM [postgres://…]
//
// It listens on this machine alone, says where in one line of JSON, and ends, with all that it has kept, when nobody
// holds its standard input.
'use strict';
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { createRequire } = require('node:module');

process.env.TMPDIR = fs.mkdtempSync(path.join(os.tmpdir(), 'sf-pds-'));
process.on('exit', () => fs.rmSync(process.env.TMPDIR, { recursive: true, force: true }));
process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume();

// Its servers would listen on all addresses.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (at, ...more) {
  const port = typeof at === 'object' && at !== null ? at.port : at;
  return listen.call(this, { port, host: '127.0.0.1' }, ...more.filter((one) => typeof one === 'function'));
};

const [folder, database] = process.argv.slice(2);
const installed = createRequire(path.join(path.resolve(folder), 'package.json'));
const { TestPlc, TestPds, TestBsky, mockNetworkUtilities, JWT_SECRET, ADMIN_PASSWORD } = installed('@atproto/dev-env');

async function main() {
  const plc = await TestPlc.create({});
  const port = await new Promise((found) => {
    const free = net.createServer().listen(0, () => {
      const { port } = free.address();
      free.close(() => found(port));
    });
  });
  const view = database && (await TestBsky.create({
    plcUrl: plc.url,
    repoProvider: `ws://localhost:${port}`,
    dbPostgresUrl: database,
    dbPostgresSchema: 'appview',
  }));
  const pds = await TestPds.create({
    port,
    didPlcUrl: plc.url,
    ...(view && { bskyAppViewUrl: view.url, bskyAppViewDid: view.serverDid }),
  });
  mockNetworkUtilities(pds, view);
  console.log(JSON.stringify({ pds: pds.url, secret: JWT_SECRET, admin: `admin:${ADMIN_PASSWORD}` }));
}

main().catch((why) => {
  console.error(why);
  process.exit(1);
});
