// @ts-check
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, posix, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/**
 * @typedef {object} Rule
 * @property {readonly string[]} layers what it may import besides itself and node
 * @property {readonly string[]} [packages] the only dependencies it may name
 * @property {readonly string[]} [types] layers of which it may name types, by `export type`: nothing
 * of them is loaded
 */

const ENGINES = [
  'consuming',
  'committing',
  'workflows',
  'publishing',
  'requests',
  'retention',
  'delays',
  'load-balancing',
  'admin',
  'outbox',
  'observability',
];

/**
 * Who may import whom in lib/. A layer is a folder, a driver's folder, or a file that stands alone;
 * `*` matches any run of characters. One that is not listed is refused, so that adding a layer is a
 * decision made here.
 *
 * @type {Record<string, Rule>}
 */
export const RULES = {
  core: { layers: [] },
  ports: { layers: ['core'] },
  options: { layers: ['ports', 'core'] },
  ...Object.fromEntries(
    ENGINES.map((engine) => [engine, { layers: ['options', 'ports', 'core'] }]),
  ),
  observability: {
    layers: ['options', 'ports', 'core'],
    packages: ['@opentelemetry/api', 'prom-client'],
  },
  // Ids of the drivers that have such ids. To all other code an id is a text without a meaning.
  'drivers/entry-ids': { layers: ['ports', 'core'] },
  // Texts as names that servers take.
  'drivers/names': { layers: [] },
  // The clock of a server, for drivers that ask one.
  'drivers/server-time': { layers: [] },
  // For drivers that have a server: when the server was away.
  'drivers/connections': { layers: ['ports', 'core'] },
  // For drivers that write many messages at once for less than one by one.
  'drivers/publish-queue': { layers: ['core'] },
  'drivers/memory': { layers: ['drivers/entry-ids', 'options', 'ports', 'core'] },
  'drivers/redis': {
    layers: ['drivers/entry-ids', 'drivers/connections', 'drivers/server-time', 'ports', 'core'],
    packages: ['ioredis'],
  },
  'drivers/postgres': {
    layers: [
      'drivers/connections',
      'drivers/publish-queue',
      'drivers/server-time',
      'ports',
      'core',
    ],
    packages: ['pg'],
  },
  'drivers/nats': {
    layers: ['drivers/connections', 'drivers/names', 'drivers/server-time', 'ports', 'core'],
    packages: ['@nats-io/*'],
  },
  'drivers/kafka': {
    layers: ['drivers/connections', 'drivers/names', 'drivers/publish-queue', 'ports', 'core'],
    packages: ['kafkajs', 'snappy', 'lz4-napi', '@bokuweb/zstd-wasm'],
  },
  // The contract suites: a driver author's tests run them, with any test runner.
  testing: { layers: ['ports', 'core'] },
  runtime: {
    layers: [
      ...ENGINES,
      'drivers/kafka',
      'drivers/memory',
      'drivers/nats',
      'drivers/postgres',
      'drivers/redis',
      'options',
      'ports',
      'core',
    ],
  },
  nest: {
    layers: ['runtime', ...ENGINES, 'options', 'ports', 'core'],
    packages: ['@nestjs/*', 'rxjs', 'rxjs/*', 'reflect-metadata'],
  },
  // Files of configuration: they know the options of all drivers.
  config: {
    layers: [
      'nest',
      'runtime',
      'drivers/kafka',
      'drivers/memory',
      'drivers/nats',
      'drivers/postgres',
      'drivers/redis',
      'options',
      'core',
    ],
    packages: ['yaml'],
  },
  // The doors. The root brings Redis with it; other drivers have subpaths of their own.
  'index.ts': { layers: ['core.ts', 'nest', 'runtime', 'drivers/redis', 'core'] },
  'core.ts': {
    layers: [
      'nest',
      'runtime',
      'load-balancing',
      'workflows',
      'committing',
      'admin',
      'options',
      'ports',
      'core',
    ],
  },
  'config.ts': { layers: ['config', 'core'] },
  'health.ts': { layers: ['nest', 'observability', 'core'] },
  'driver.ts': {
    layers: ['options', 'ports', 'core'],
    types: ['nest', 'runtime', 'load-balancing', 'workflows', 'committing', 'admin'],
  },
  'kafka.ts': { layers: ['runtime', 'drivers/kafka', 'options', 'ports', 'core'] },
  'kafka-postgres.ts': { layers: ['runtime', 'drivers/kafka', 'drivers/postgres'] },
  'metrics.ts': { layers: ['nest', 'observability', 'options', 'core'] },
  'nats.ts': { layers: ['runtime', 'drivers/nats', 'options', 'ports', 'core'] },
  'nats-redis.ts': { layers: ['runtime', 'drivers/nats', 'drivers/redis'] },
  'tracing.ts': { layers: ['nest', 'observability'] },
  'postgres.ts': { layers: ['nest', 'runtime', 'drivers/postgres', 'options', 'ports', 'core'] },
  'testing.ts': { layers: ['testing', 'drivers/memory', 'options', 'ports', 'core'] },
};

/** Doors for applications that have no client library of any server. */
const WITHOUT_SERVERS = [
  'lib/core.ts',
  'lib/driver.ts',
  'lib/health.ts',
  'lib/metrics.ts',
  'lib/testing.ts',
  'lib/drivers/memory/index.ts',
];

/** Drivers, and the doors for applications that have no client library of theirs. */
const KEPT_OUT = [
  {
    driver: 'lib/drivers/redis/',
    name: 'Redis',
    doors: ['lib/kafka.ts', 'lib/postgres.ts', 'lib/nats.ts', ...WITHOUT_SERVERS],
  },
  {
    driver: 'lib/drivers/postgres/',
    name: 'PostgreSQL',
    doors: ['lib/index.ts', 'lib/kafka.ts', 'lib/nats.ts', ...WITHOUT_SERVERS],
  },
  {
    driver: 'lib/drivers/nats/',
    name: 'NATS',
    doors: ['lib/index.ts', 'lib/kafka.ts', 'lib/postgres.ts', ...WITHOUT_SERVERS],
  },
  {
    driver: 'lib/drivers/kafka/',
    name: 'Kafka',
    doors: ['lib/index.ts', 'lib/nats.ts', 'lib/postgres.ts', ...WITHOUT_SERVERS],
  },
];

/** Names that say nothing about what is inside, as a file, a folder or a role (`x.utils.ts`). */
const EMPTY_NAMES = /^(utils?|helpers?|common|interfaces?)$/;

/** The one file of lib/ that asks the machine for the time of day. */
const CLOCK = 'lib/core/clock.ts';

/**
 * Checks lib/ for imports against the rules and for cycles between files and between folders,
 * type-only imports included; for times that jump where the machine's time is set; and all sources for empty names.
 *
 * @param {string} root the folder that holds lib/
 * @returns {string[]} one line for each problem
 */
export function checkImports(root) {
  const lib = sourcesIn(join(root, 'lib'));
  const graph = new Map(lib.map((file) => [pathIn(root, file), importsOf(root, file)]));
  const all = [...lib, ...['test', 'sample', 'bench'].flatMap((dir) => sourcesIn(join(root, dir)))];
  return [
    ...all.flatMap((file) => nameProblems(pathIn(root, file))),
    ...lib.flatMap((file) => clockProblems(pathIn(root, file), readFileSync(file, 'utf8'))),
    ...[...graph].flatMap(([file, imports]) => directionProblems(file, imports)),
    ...lib.flatMap((file) => loadProblems(root, file)),
    ...KEPT_OUT.flatMap(({ doors, ...kept }) =>
      doors.flatMap((door) => doorProblems(graph, door, kept)),
    ),
    ...cycles(graph).map(
      (cycle) => `${cycle.join(' -> ')}: imports go round in a circle (types count too)`,
    ),
    ...folderCycles(graph),
  ];
}

/** @param {string} dir @returns {string[]} */
function sourcesIn(dir) {
  if (!existsSync(dir)) return [];
  const entries = readdirSync(dir, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]s$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/[\\/](dist|node_modules)[\\/]/.test(file))
    .sort();
}

/** @param {string} root @param {string} file */
function pathIn(root, file) {
  return relative(root, file).split(sep).join('/');
}

/**
 * Paths of our own files, and names of packages, that a file imports: by statements, calls or types.
 *
 * @param {string} root
 * @param {string} file
 */
function importsOf(root, file, text = readFileSync(file, 'utf8')) {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  return importedFiles
    .map(({ fileName }) => fileName)
    .filter((name) => !isBuiltin(name))
    .map((name) =>
      name.startsWith('.') ? pathIn(root, resolve(file, '..', name)).replace(/\.js$/, '.ts') : name,
    );
}

/** @param {string} path */
function layerOf(path) {
  const [, folder = '', driver = ''] = path.split('/');
  if (!path.startsWith('lib/')) return undefined;
  if (folder.includes('.')) return folder;
  return folder === 'drivers' ? `drivers/${driver}` : folder;
}

/** @param {string} file @param {readonly string[]} imports */
function directionProblems(file, imports) {
  const layer = layerOf(file) ?? '';
  const rule = RULES[layer];
  if (!rule) return [`${file}: "${layer}" is no layer that test/support/check-imports.js knows`];
  const layers = [...rule.layers, ...(rule.types ?? [])];
  return imports
    .filter((target) => !mayImport(layer, { ...rule, layers }, target))
    .map((target) => {
      const allowed = [...layers, ...(rule.packages ?? [])].join(', ') || 'nothing but node';
      return `${file}: must not import ${target}; ${layer} may import ${allowed}`;
    });
}

/**
 * What a file loads of a layer of which it may only name types.
 *
 * @param {string} root
 * @param {string} file
 */
function loadProblems(root, file) {
  const path = pathIn(root, file);
  const layer = layerOf(path) ?? '';
  const types = RULES[layer]?.types ?? [];
  if (types.length === 0) return [];
  const loading = readFileSync(file, 'utf8').replaceAll(/^export type \{[^}]*\} from .*$/gm, '');
  return importsOf(root, file, loading)
    .filter((target) => matchesOne(types, layerOf(target) ?? ''))
    .map((target) => `${path}: must not import ${target}; write export type { … }`);
}

/**
 * The way from a door to a driver, over however many files.
 *
 * @param {ReadonlyMap<string, readonly string[]>} graph
 * @param {string} door
 * @param {{ driver: string, name: string }} kept the driver's folder and what it is called
 * @returns {string[]}
 */
function doorProblems(graph, door, { driver, name }) {
  const ways = new Map([[door, door]]);
  for (const [file, way] of ways) {
    if (file.startsWith(driver)) return [`${way}: ${door} must not lead to ${name}`];
    for (const target of graph.get(file) ?? []) {
      if (!ways.has(target)) ways.set(target, `${way} -> ${target}`);
    }
  }
  return [];
}

/** @param {string} layer @param {Rule} rule @param {string} target */
function mayImport(layer, rule, target) {
  if (target.startsWith('..')) return false;
  const other = layerOf(target);
  if (other === layer) return true;
  return other === undefined
    ? matchesOne(rule.packages ?? [], target)
    : matchesOne(rule.layers, other);
}

/** @param {readonly string[]} patterns @param {string} name */
function matchesOne(patterns, name) {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}

/** @param {string} file */
function nameProblems(file) {
  const parts = file.split('/').flatMap((part) => part.split('.'));
  const empty = parts.find((part) => EMPTY_NAMES.test(part));
  return empty === undefined ? [] : [`${file}: "${empty}" says nothing; name it for what it does`];
}

/** @param {string} file @param {string} text */
function clockProblems(file, text) {
  if (file === CLOCK || !/\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)/.test(text)) return [];
  return [
    `${file}: must not read the time of day itself. Measure durations by now() of a Clock, and take timestamps from its wallTime()`,
  ];
}

/**
 * One line for each way back to a file that is still being followed.
 *
 * @param {ReadonlyMap<string, readonly string[]>} graph
 * @returns {string[][]}
 */
function cycles(graph) {
  /** @type {string[][]} */
  const found = [];
  const done = new Set();
  /** @type {(file: string, trail: readonly string[]) => void} */
  const follow = (file, trail) => {
    const seen = trail.indexOf(file);
    if (seen >= 0) found.push([...trail.slice(seen), file]);
    if (seen >= 0 || done.has(file)) return;
    for (const target of graph.get(file) ?? []) follow(target, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) follow(file, []);
  return found;
}

/**
 * One line for each circle of folders. A folder and a folder inside it count as two.
 *
 * @param {ReadonlyMap<string, readonly string[]>} files
 * @returns {string[]}
 */
function folderCycles(files) {
  const { folders, reasons } = folderImports(files);
  return cycles(folders).map((cycle) => {
    const because = cycle.slice(1).map((folder, index) => reasons.get(`${cycle[index]} ${folder}`));
    return `${cycle.join(' -> ')}: folders import each other in a circle (types count too): ${because.join('; ')}`;
  });
}

/**
 * Which folder imports which, and for each such pair the first import that makes it so.
 *
 * @param {ReadonlyMap<string, readonly string[]>} files
 */
function folderImports(files) {
  /** @type {Map<string, string[]>} */
  const folders = new Map();
  /** @type {Map<string, string>} */
  const reasons = new Map();
  for (const [file, imports] of files) {
    for (const target of imports.filter((target) => files.has(target))) {
      const [from, to] = [posix.dirname(file), posix.dirname(target)];
      const pair = `${from} ${to}`;
      if (from === to || reasons.has(pair)) continue;
      reasons.set(pair, `${file} imports ${target}`);
      folders.set(from, [...(folders.get(from) ?? []), to]);
    }
  }
  return { folders, reasons };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkImports(process.cwd());
  for (const problem of problems) console.error(problem);
  console.log(
    problems.length === 0 ? 'Imports and names keep the rules.' : `${problems.length} broken.`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
