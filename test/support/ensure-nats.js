// @ts-check
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { aptInstall } from './apt.js';
import {
  builtNats,
  missingNats,
  NATS_VERSIONS,
  natsBinary,
  natsVersionOf,
} from './nats-binaries.js';
import { onPath } from './redis-process.js';

const MODULE = 'github.com/nats-io/nats-server/v2';
/** The oldest Go that gets a newer one where a module asks for it, as the modules of the server do. */
const GO_FLOOR = '1.21';

/** @import { NatsVersion } from './nats-binaries.js' */

/**
 * Makes sure that the tests can start NATS servers, by building those that are missing with Go, and
 * installing Go where that is possible without asking. Packages of systems have other versions of the
 * server than the tests need. Each takes about a minute, once for a machine.
 *
 * @returns {string | undefined} why tests of NATS will not be run; what to do has been printed
 */
export function ensureNats() {
  const versions = /** @type {const} */ (['floor', 'current']);
  const unbuilt = versions.filter((version) => natsBinary(version) === undefined);
  if (unbuilt.length > 0 && hasGo()) for (const version of unbuilt) build(version);
  const missing = missingNats(...versions);
  if (missing === undefined) {
    const found = versions.map((version) => natsVersionOf(natsBinary(version) ?? ''));
    console.log(`nats-server ${found.join(' and ')}`);
  } else {
    console.warn(`\nTests of NATS are not run: ${missing}.`);
    console.warn(
      `Install Go ${GO_FLOOR} or newer (https://go.dev/dl/), or set NATS_SERVERS to paths`,
    );
    console.warn('of such servers with colons between, and run the tests again.');
  }
  return missing;
}

/** Whether there is a Go that can build the servers. Installs one where it is missing. */
function hasGo() {
  if (!onPath('go')) installGo();
  if (!onPath('go')) return false;
  const version = goVersion();
  if (isRecent(version)) return true;
  console.warn(`go on PATH is ${version}, which cannot build nats-server.`);
  return false;
}

function goVersion() {
  const { stdout } = spawnSync('go', ['version'], { encoding: 'utf8' });
  return /go(\d+\.\d+)/.exec(stdout ?? '')?.[1] ?? 'of unknown version';
}

/** @param {string} version */
function isRecent(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [, floor = 0] = GO_FLOOR.split('.').map(Number);
  return major > 1 || (major === 1 && minor >= floor);
}

function installGo() {
  const [update, install] = aptInstall('golang-go');
  if (update && install) {
    run(update);
    // Debian 12 has 1.19, which cannot read the files of the server's module.
    if (isRecent(aptCandidate())) run(install);
    else
      console.warn(`The golang-go of this system is ${aptCandidate()}: too old for nats-server.`);
  } else if (onPath('brew')) run(['brew', 'install', 'go']);
}

/** The version of golang-go that the system would install, as `1.19`. */
function aptCandidate() {
  const { stdout } = spawnSync('apt-cache', ['policy', 'golang-go'], { encoding: 'utf8' });
  return /Candidate: (?:\d+:)?(\d+\.\d+)/.exec(stdout ?? '')?.[1] ?? 'not known';
}

/** @param {readonly string[]} line */
function run([command = '', ...args]) {
  console.log(`go is not on PATH; running: ${[command, ...args].join(' ')}`);
  spawnSync(command, args, { stdio: 'inherit' });
}

/** Builds a server in a folder beside, so that none is found that is half written. @param {NatsVersion} version */
function build(version) {
  const path = builtNats(version);
  const module = `${MODULE}@v${NATS_VERSIONS[version]}`;
  const began = Date.now();
  console.log(`nats-server ${NATS_VERSIONS[version]} is missing; running: go install ${module}`);
  mkdirSync(dirname(path), { recursive: true });
  const folder = mkdtempSync(join(dirname(path), 'build-'));
  // `auto`: some systems tell Go not to get the newer Go that the module asks for.
  const env = { GOTOOLCHAIN: 'auto', ...process.env, GOBIN: folder };
  const { status } = spawnSync('go', ['install', module], { env, stdio: 'inherit' });
  if (status === 0) {
    renameSync(join(folder, basename(path)), path);
    console.log(`built in ${((Date.now() - began) / 1000).toFixed(0)} s: ${path}`);
  }
  rmSync(folder, { recursive: true, force: true });
}
