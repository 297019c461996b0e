import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';
import * as balancing from '../../lib/core/errors/balancing.errors.js';
import * as config from '../../lib/core/errors/config.errors.js';
import * as connection from '../../lib/core/errors/connection.errors.js';
import * as deadLetter from '../../lib/core/errors/dead-letter.errors.js';
import * as group from '../../lib/core/errors/group.errors.js';
import * as handling from '../../lib/core/errors/handling.errors.js';
import * as publishing from '../../lib/core/errors/publishing.errors.js';
import * as request from '../../lib/core/errors/request.errors.js';
import * as running from '../../lib/core/errors/running.errors.js';
import * as server from '../../lib/core/errors/server.errors.js';
import * as slot from '../../lib/core/errors/slot.errors.js';
import * as stateStore from '../../lib/core/errors/state-store.errors.js';
import * as startUp from '../../lib/core/errors/start-up.errors.js';
import * as subscription from '../../lib/core/errors/subscription.errors.js';
import * as redisConnection from '../../lib/drivers/redis/errors/redis-connection.errors.js';
import * as kafkaConnection from '../../lib/drivers/kafka/errors/kafka-connection.errors.js';
import * as kafkaReading from '../../lib/drivers/kafka/errors/kafka-reading.errors.js';
import * as kafkaTopics from '../../lib/drivers/kafka/errors/kafka-topic.errors.js';
import * as kafkaDoor from '../../lib/kafka.js';
import * as natsConnection from '../../lib/drivers/nats/errors/nats-connection.errors.js';
import * as natsDelays from '../../lib/drivers/nats/errors/delays-unsupported.error.js';
import * as natsFull from '../../lib/drivers/nats/errors/stream-full.error.js';
import * as natsSettings from '../../lib/drivers/nats/errors/stream-settings.error.js';
import * as natsDoor from '../../lib/nats.js';
import * as postgresConnection from '../../lib/drivers/postgres/errors/postgres-connection.errors.js';
import * as postgresInbox from '../../lib/drivers/postgres/errors/inbox.errors.js';
import * as postgresName from '../../lib/drivers/postgres/errors/name.errors.js';
import * as postgresServer from '../../lib/drivers/postgres/errors/postgres-server.errors.js';
import * as postgresSchema from '../../lib/drivers/postgres/errors/schema.errors.js';
import * as postgresDoor from '../../lib/postgres.js';
import * as configDoor from '../../lib/config.js';
import * as driver from '../../lib/driver.js';
import * as root from '../../lib/index.js';
import { StreamsError } from '../../lib/core/errors/streams.error.js';
import { withSnippets } from './snippets.js';

/** One class of errors: its static fields say what the page has to say. */
export interface ErrorClass {
  readonly name: string;
  readonly code: string;
  readonly advice: string;
}

interface Section {
  readonly title: string;
  /** Holds the classes, each with its meaning as its comment: `lib/core/errors/<file>.errors.ts`. */
  readonly file: string;
  /** Files that have more of them. */
  readonly also?: readonly string[];
  readonly classes: readonly ErrorClass[];
  readonly before?: string;
  readonly after?: string;
}

const SECTIONS: readonly Section[] = [
  {
    title: 'At start-up, and out of place',
    file: 'start-up',
    also: ['../../lib/core/errors/slot.errors.ts', '../../lib/core/errors/running.errors.ts'],
    classes: [...classesOf(startUp), ...classesOf(slot), ...classesOf(running)],
  },
  {
    title: 'Files of configuration',
    file: 'config',
    classes: classesOf(config),
    after: `The message has a line for each mistake, such as \`consumer.yaml:12:16 behavior.max_retries: must be a whole number of at least 0, not a text\`. More: [configuration.md](configuration.md#mistakes).`,
  },
  {
    title: 'Connections',
    file: 'connection',
    also: ['../../lib/drivers/redis/errors/redis-connection.errors.ts'],
    classes: [...classesOf(connection), ...classesOf(redisConnection)],
    after: `A command waits for a connection for \`commandTimeout\` at most, and for its reply for the same time. So publishing to a Redis that is down fails within a bounded time. More: [TLS](security.md#tls), [idempotency keys](guarantees.md#publishing-once).`,
  },
  {
    title: 'What the server refuses',
    file: 'server',
    classes: classesOf(server),
    after: `[security.md](security.md#users-and-rights) lists the commands that a user needs.`,
  },
  {
    title: 'Of PostgreSQL alone',
    file: '../../drivers/postgres/errors/postgres-connection',
    also: [
      '../../lib/drivers/postgres/errors/postgres-server.errors.ts',
      '../../lib/drivers/postgres/errors/schema.errors.ts',
      '../../lib/drivers/postgres/errors/inbox.errors.ts',
      '../../lib/drivers/postgres/errors/name.errors.ts',
    ],
    classes: [
      ...classesOf(postgresConnection),
      ...classesOf(postgresServer),
      ...classesOf(postgresSchema),
      ...classesOf(postgresInbox),
      ...classesOf(postgresName),
    ],
    before: `The errors of connections and of what the server refuses occur here, too. The \`cause\` is the error of the package \`pg\`, which has the SQLSTATE as its \`code\`.`,
  },
  {
    title: 'Of NATS alone',
    file: '../../drivers/nats/errors/nats-connection',
    also: ['stream-settings', 'stream-full', 'delays-unsupported'].map(
      (name) => `../../lib/drivers/nats/errors/${name}.error.ts`,
    ),
    classes: [natsConnection, natsSettings, natsFull, natsDelays].flatMap(classesOf),
    before: `The errors of connections and of what the server refuses occur here, too. The \`cause\` is the error of the client of NATS, or has the words of JetStream.`,
  },
  {
    title: 'Of Kafka alone',
    file: '../../drivers/kafka/errors/kafka-connection',
    also: ['kafka-topic', 'kafka-reading'].map(
      (name) => `../../lib/drivers/kafka/errors/${name}.errors.ts`,
    ),
    classes: [kafkaConnection, kafkaTopics, kafkaReading].flatMap(classesOf),
    before: `The errors of connections and of what the server refuses occur here, too. The \`cause\` is the error of kafkajs.`,
  },
  {
    title: 'What a state store refuses',
    file: 'state-store',
    classes: classesOf(stateStore),
    after: `More: [slots.md](slots.md#the-state-store).`,
  },
  {
    title: 'While publishing',
    file: 'publishing',
    classes: classesOf(publishing),
    before: `The errors of connections and servers can occur here, too.`,
    after: `The Observable of \`client.emit\` fails with the same errors. If the caller had not subscribed, the event \`publish-failed\` and a line in the log report the error.`,
  },
  {
    title: 'While a request waits',
    file: 'request',
    classes: classesOf(request),
    before: `The errors of publishing can occur here, too. If a connection broke and was not back within \`commandTimeout\`, waiting requests fail with \`REDIS_CONNECTION\` and the \`outcome\` \`unknown\`: send the request again if running it twice does no harm.`,
    after: `If the service answered with an \`Error\`, the caller gets a \`RemoteError\` with its name, code and message. A \`RemoteError\` is no \`StreamsError\`.`,
  },
  {
    title: 'While consuming',
    file: 'subscription',
    also: ['../../lib/core/errors/dead-letter.errors.ts'],
    classes: [...classesOf(subscription), ...classesOf(deadLetter)],
    after: `The event \`consumer-crashed\` has a \`ConsumerCrashedError\`, and \`StreamConsumers.checkLiveness\` rejects with it. More: [consumers.md](consumers.md#consumers-that-crashed).`,
  },
  {
    title: 'Around load balanced streams',
    file: 'balancing',
    classes: classesOf(balancing),
    after: `More: [load-balancer.md](load-balancer.md).`,
  },
  {
    title: 'In and around handlers',
    file: 'handling',
    classes: classesOf(handling),
    after: `Any other error that a handler throws is a failed run; see [guarantees.md](guarantees.md#retries-and-backoff).`,
  },
  {
    title: 'Streams and groups',
    file: 'group',
    classes: classesOf(group),
    before: `The errors of connections and servers can occur here, too. More: [groups.md](groups.md).`,
  },
];

const HEAD = `# Errors

Every error of this library is a \`StreamsError\`: it has a \`code\` that does not change between versions, a message that says what to do, and the \`cause\`, if there is one. Test for the code or the class, never for the message. \`nestjs-redis-streams\` exports most classes, and \`nestjs-redis-streams/driver\`, \`…/config\`, \`…/kafka\`, \`…/nats\` and \`…/postgres\` those marked with \`/driver\`, \`/config\`, \`/kafka\`, \`/nats\` and \`/postgres\`. Recognise the others by their code.

<!-- snippet: errors/order.publisher.ts -->

\`\`\`ts
\`\`\`
`;

const TAIL = `## Secrets

No error of the library contains a password, a payload or a private key. ioredis keeps a command's arguments in the errors that it throws; the library removes them before it passes an error on. More: [security.md](security.md#secrets).
`;

/** Every class of the page. */
export const errorClasses: readonly ErrorClass[] = SECTIONS.flatMap(({ classes }) => classes);

/** docs/errors.md, as the code has it. Written by `npm run docs:reference`. */
export async function errorsPage(): Promise<string> {
  const page = [HEAD, ...SECTIONS.map(sectionText), TAIL].join('\n\n');
  const style = await resolveConfig(fileURLToPath(import.meta.url));
  const options = { ...style, parser: 'markdown', embeddedLanguageFormatting: 'off' } as const;
  return format(withSnippets('docs/errors.md', page), options);
}

function classesOf(module: Record<string, unknown>): ErrorClass[] {
  return Object.values(module).filter(
    (value): value is ErrorClass & typeof StreamsError =>
      typeof value === 'function' && value.prototype instanceof StreamsError,
  );
}

function sectionText({
  title,
  file,
  also = [],
  classes,
  before = '',
  after = '',
}: Section): string {
  const meanings = meaningsIn(new URL(`../../lib/core/errors/${file}.errors.ts`, import.meta.url));
  for (const other of also)
    for (const [name, text] of meaningsIn(new URL(other, import.meta.url)))
      meanings.set(name, text);
  const rows = classes.map(
    ({ name, code, advice }) =>
      `| \`${code}\` | ${classCell(name)} | ${meanings.get(name) ?? ''} | ${withCode(advice)} |`,
  );
  const table = ['| code | class | when | what to do |', '| - | - | - | - |', ...rows];
  return [`## ${title}`, before, table.join('\n'), after].join('\n\n');
}

/** With the door that exports it, where that is not the root. */
function classCell(name: string): string {
  if (name in root) return `\`${name}\``;
  if (name in configDoor) return `\`${name}\` of \`/config\``;
  if (name in kafkaDoor) return `\`${name}\` of \`/kafka\``;
  if (name in natsDoor) return `\`${name}\` of \`/nats\``;
  if (name in postgresDoor) return `\`${name}\` of \`/postgres\``;
  return name in driver ? `\`${name}\` of \`/driver\`` : `${name}: by its code`;
}

/** The comments of the classes in a file. */
function meaningsIn(file: URL): Map<string, string> {
  const source = ts.createSourceFile('', readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  return new Map(
    source.statements.filter(ts.isClassDeclaration).map((declared) => {
      const [doc] = ts.getJSDocCommentsAndTags(declared);
      const text = ts.getTextOfJSDocComment(doc?.comment) ?? '';
      return [declared.name?.text ?? '', text.replace(/\s+/g, ' ')];
    }),
  );
}

/** Names of options and functions stand plainly in messages. */
const withCode = (advice: string): string =>
  advice.replace(/@\w+|\b[a-z]+[A-Z]\w*(\(\))?|\b\w+\.\w+\b|\bnot-sent\b|\bunknown(?=:)/g, '`$&`');
