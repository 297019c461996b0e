import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import ts from 'typescript';
import { RULES } from './check-imports.js';
import { table, withParts } from './generated-parts.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What each folder of lib/ holds, in the order in which docs/architecture.md shows them. */
export const FOLDERS: Readonly<Record<string, string>> = {
  nest: 'the shell: all that Nest sees',
  'nest/transport': 'the transport, its status, its log lines',
  'nest/client': 'the client, the publisher, the record builder',
  'nest/handling': '@StreamHandler, its contexts, how a method is called and what its result means',
  'nest/load-balancing': 'LoadBalancerModule, @LoadBalancedHandler, @OnStream…',
  'nest/health': 'StreamsHealth, its indicator for terminus and its module',
  'nest/metrics': 'StreamsMetricsModule: the page for Prometheus, its port and its controller',
  'nest/events': '@OnStreamEvent, and what finds decorated methods',
  'nest/lag': 'the lag monitor, @OnStreamLag',
  'nest/own-port': 'a small HTTP server for an application without HTTP',
  'nest/tracing': 'StreamsTracingModule',
  'nest/outbox': 'OutboxModule and its service Outbox',
  'nest/module': 'the modules and their providers',
  config: 'files of configuration: read, check and make options of them',
  runtime: 'the composition root: options in, wired workers out; knows no Nest',
  'runtime/slots': 'the drivers in the three slots: names, opening, modes',
  'runtime/stream-consumers': 'consumers without a controller: StreamConsumers',
  consuming: 'the consumer: what is read, run and settled; the pipeline and the shutdown',
  'consuming/plan': 'which handlers share a consumer, and what it needs',
  'consuming/reading': 'how much is pulled, what is admitted, what is kept fresh',
  'consuming/running': 'slots, runs, parked retries, and methods that go on after their runs',
  'consuming/settling': 'decide, store elsewhere, settle, follow up',
  'consuming/settling/strategies':
    'what becomes of messages that are given up: the option deadLetter',
  'consuming/settling/other-stores': 'one file for each kind of record that another store keeps',
  'consuming/middleware': 'one file for each stage of the pipeline',
  'consuming/ordering': 'messages of one key run one after the other',
  'consuming/dedupe': 'keys that are handled once: claims and completions',
  'consuming/batching': 'handlers that are given many messages at a time',
  'consuming/live-consumers':
    'consumers that know of each other, and hand over what another one handles',
  committing: 'records how far consumers have come, and reads where they resume',
  publishing: 'route, encode, check and publish',
  'publishing/backpressure': 'producers that wait for consumers that are behind',
  'observability/tracing': 'spans of sending, processing and settling',
  observability: 'what operators see: metrics, tracing, health',
  'observability/metrics': 'counters and histograms in arrays, and how they are exported',
  'observability/conventions': 'the names of OpenTelemetry, in one place',
  'observability/health':
    'liveness and readiness of a transport, and why they are down or degraded',
  outbox: 'publishes what transactions of the application have written into the outbox',
  requests: 'asking: requests that wait, and their answers',
  delays: 'promotes messages once they are due',
  workflows: 'next steps, joins, failures, cancelling',
  'workflows/state-store': 'workflows in any state store',
  retention: 'deletes entries that a stream need not keep',
  'load-balancing': 'whole streams shared out: locks kept alive, abandoned ones found, fair shares',
  admin: 'operations: StreamsAdmin holds them all',
  'admin/groups': 'consumer groups and their pending entries',
  'admin/dead-letters': 'list, redrive and purge dead letters',
  'admin/delays': 'list, cancel and reschedule delayed messages',
  'admin/lag': 'how far groups are behind, and alarms',
  'admin/retention': 'trimming on demand, and what a stream costs',
  options: 'one declaration for each option: type, default, check, where it applies',
  drivers: 'one folder for each technology',
  'drivers/redis': 'Redis Streams: keys, scripts and connections stand here and nowhere else',
  'drivers/kafka':
    'Kafka: topics, groups, partitions, transactions and connections stand here and nowhere else',
  'drivers/nats':
    'NATS, with JetStream and without: subjects, streams, durables and connections stand here and nowhere else',
  'drivers/postgres': 'PostgreSQL: tables, statements and connections stand here and nowhere else',
  'drivers/memory': 'the same rules in memory, and the test kit',
  'drivers/memory/broker': 'what stands for the server: logs, groups, keys that expire',
  'drivers/memory/reading': 'subscriptions, leases and what wakes them',
  'drivers/memory/ownership': 'streams that one consumer owns',
  'drivers/connections': 'when a server was away, for the drivers that have one',
  'drivers/entry-ids':
    'ids of milliseconds and a sequence number, for the drivers that have such ids',
  'drivers/names': 'any text as a name that a server takes',
  'drivers/publish-queue': 'gathers what is published, for drivers that write many at once',
  'drivers/server-time': 'the clock of a server, for drivers that ask one',
  testing: 'what every driver promises, as tests for any test runner',
  'testing/contracts': 'one suite for each port',
  'testing/contracts/source': 'parts of the suite of the port MessageSource',
  'testing/contracts/live': 'parts of the suite of the port LiveConsumers',
  'testing/contracts/ownership': 'parts of the suite of the port StreamOwnership',
  'testing/contracts/group-admin': 'parts of the suite of the ports GroupAdmin and PendingEntries',
  'testing/contracts/delays': 'parts of the suite of the port DelayStore',
  'testing/running': 'how suites declare, skip and assert, without a test runner',
  'testing/world': 'the streams, connections and readers of one test',
  ports: 'what a driver implements, one file for each port',
  core: 'the vocabulary: message, delivery, settlement, events, routing, clock',
  'core/codecs': 'shapes of entries, and the fields beside them',
  'core/errors': 'every error, by area; how a thrown value is recorded',
  'core/option-schema': 'how options are declared, checked and completed',
  'core/collections': 'sets and lists of many short-lived things',
};

/** Folders inside these are not listed one by one. */
const CLOSED = ['drivers/redis', 'drivers/postgres', 'drivers/nats', 'drivers/kafka'];

/** Every folder of lib/, as a path below it. */
export function foldersOfLib(): string[] {
  const entries = readdirSync(join(ROOT, 'lib'), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(ROOT, 'lib').length + 1))
    .map((path) => path.split('\\').join('/'))
    .filter((path) => !CLOSED.some((closed) => path.startsWith(`${closed}/`)))
    .sort();
}

/** docs/architecture.md with its generated parts as the code has them. Written by `npm run docs:architecture`. */
export async function architecturePage(): Promise<string> {
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  const parts: Readonly<Record<string, () => string>> = {
    folders: folderTree,
    imports: importsTable,
    pipeline: pipelineTable,
  };
  return withParts(page, (name) => parts[name]!());
}

function folderTree(): string {
  const lines = Object.entries(FOLDERS).map(([path, what]) => {
    const depth = path.split('/').length;
    const name = `${'  '.repeat(depth)}${path.split('/').at(-1)}/`;
    return `${name.padEnd(24)} ${what}`;
  });
  return ['```', 'lib/', ...lines, '```'].join('\n');
}

function importsTable(): string {
  const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
  const rows = Object.entries(RULES).map(([layer, { layers, types = [], packages = [] }]) => [
    list([layer]),
    list(layers) + (types.length > 0 ? `; types of ${list(types)}` : ''),
    list(packages),
  ]);
  return table(['layer', 'may import', 'packages'], rows);
}

/** The stages of `consuming/pipeline.ts` in their order, each with the first sentence of its comment. */
function pipelineTable(): string {
  const source = parsed('lib/consuming/pipeline.ts');
  const stages = stagesIn(source).map(({ name, where }, index) => [
    String(index + 2),
    `\`${name}\``,
    where === undefined ? '' : `\`${where}\``,
    name === 'middleware'
      ? 'The option of that name: the application’s own, outermost first.'
      : meaningOf(name),
  ]);
  const first = ['1', '`match`', '', meaningOf('match')];
  return table(['', 'stage', 'only where', 'does'], [first, ...stages]);
}

interface Stage {
  readonly name: string;
  readonly where?: string | undefined;
}

function stagesIn(source: ts.SourceFile): Stage[] {
  const order = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => [...declarationList.declarations])
    .find(({ name }) => name.getText(source) === 'ORDER')?.initializer;
  if (!order || !ts.isArrayLiteralExpression(order)) {
    throw new Error('lib/consuming/pipeline.ts: ORDER is no list of stages');
  }
  return order.elements.map((element) => {
    const parts = new Map(
      (element as ts.ObjectLiteralExpression).properties
        .filter(ts.isPropertyAssignment)
        .map((part) => [part.name.getText(source), part.initializer]),
    );
    return {
      name: (parts.get('name') as ts.StringLiteral).text,
      where: conditionOf(parts.get('where'), source),
    };
  });
}

function conditionOf(where: ts.Expression | undefined, source: ts.SourceFile): string | undefined {
  if (!where) return undefined;
  return (ts.isArrowFunction(where) ? where.body : where).getText(source);
}

/** The first sentence of the comment of the middleware with this name. */
function meaningOf(name: string): string {
  const file = `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.middleware.ts`;
  const folder = ['consuming/middleware', 'workflows'].find((folder) =>
    readdirSync(join(ROOT, 'lib', folder)).includes(file),
  );
  if (!folder) throw new Error(`lib: no file ${file} for the stage ${name} of the pipeline`);
  const declared = parsed(`lib/${folder}/${file}`)
    .statements.filter(ts.isFunctionDeclaration)
    .find((statement) => statement.name?.text === name);
  const [doc] = declared ? ts.getJSDocCommentsAndTags(declared) : [];
  const text = (ts.getTextOfJSDocComment(doc?.comment) ?? '').replace(/\s+/g, ' ');
  return /^.*?[.;](?= |$)/.exec(text)?.[0].replace(/;$/, '.') ?? text;
}

function parsed(path: string): ts.SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}
