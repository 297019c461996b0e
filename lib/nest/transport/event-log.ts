import { Logger } from '@nestjs/common';
import { withoutAdvice } from '../../core/errors/connection.errors.js';
import type { StreamsEventName, StreamsEvents } from '../../core/events.js';
import type { UnhandledWaits } from '../../core/unhandled-waits.js';
import type { EventBus } from '../../core/event-bus.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { administered } from './admin-lines.js';
import { BrokenConnections } from './broken-connections.js';
import { connectionName, slotsBefore } from './connection-name.js';
import { deadLettered, messagesDropped, strategyFailed } from './dead-letter-lines.js';
import { fieldsOf } from './log-fields.js';
import { OUTBOX_LINES } from './outbox-lines.js';
import { PARTITION_LINES } from './partition-lines.js';
import { LOST_LINES } from './lost-lines.js';
import { at, runFailed, runsAwaited, runsGivenUp } from './run-lines.js';
import { RateLimitedLog, type Line } from './rate-limited-log.js';
import { mappedLine } from './start-up-lines.js';
import { NO_CONNECTION, workerFailed } from './worker-lines.js';

/** The log line of each event that is logged. */
type Lines = { [N in StreamsEventName]?: (event: StreamsEvents[N]) => Line | undefined };

const warn = (text: string): Line => ({ level: 'warn', text });
const error = (text: string): Line => ({ level: 'error', text });
const WAITS: Record<UnhandledWaits, string> = {
  unsettled: 'other consumers of the group may not have announced themselves yet',
  'not-reading': 'the consumers that handle it are paused, or closing',
  restarting: 'the consumers that handle it have gone a moment ago',
  full: 'the consumers that handle it have as many waiting messages as they may (maxParked)',
  owned: 'the next owner of its stream may handle it',
};

const LINES: Lines = {
  warning: ({ code, message }) => warn(`${message} (${code})`),
  'group-recreated': (event) =>
    warn(`The group of ${at(event)} had vanished and was created again behind ${event.from}`),
  'data-loss-suspected': (event) =>
    error(
      `The server lost data of ${at(event)}: messages between ${event.after} and ${event.upTo} ` +
        'may never have been handled',
    ),
  'consumer-crashed': ({ consumer, error: { message } }) => ({
    ...warn(message),
    key: `consumer-crashed ${consumer}`,
  }),
  'consumer-started': ({ streams, group, consumer, events }) => ({
    level: 'log',
    text: mappedLine(events.join(', '), streams, group, `the callback of consumer "${consumer}"`),
  }),
  'consumer-failed': ({ streams, group, error: { message } }) =>
    error(
      `The consumer of ${streams.join(', ')} in group "${group}" has ended: ${message} Then start the ` +
        'consumer again.',
    ),
  'listener-failed': ({ listener, error: { message } }) =>
    error(`${listener}, which listens to an event, threw: ${message}`),
  'delays-stuck': ({ stream, error: { message } }) =>
    error(`Delayed messages of stream "${stream}" wait until this is fixed: ${message}`),
  'delays-lost': ({ stream, count }) => ({
    ...error(
      `${count} delayed messages of stream "${stream}" were dropped: their data was deleted`,
    ),
    key: `delays-lost ${stream}`,
  }),
  'worker-error': workerFailed,
  disconnected: (event) =>
    warn(`The ${connectionName(event)} broke and is being replaced: ${withoutAdvice(event.error)}`),
  unreachable: ({ address, error: { message }, ...connection }) => ({
    ...warn(slotsBefore(connection) + message),
    key: `unreachable ${address}`,
  }),
  'stream-lost': (event) =>
    warn(
      `The stream lease of ${at(event)} was lost: runs of this process are not settled, and another process may read the stream`,
    ),
  'stream-yielded': ({ eventType, ...event }) => ({
    level: 'log',
    text:
      `The stream lease of ${at(event)} is given to a consumer that handles "${eventType}": this process ` +
      'has no handler for it, and messages of an ordered stream are not handed over one by one',
    key: `stream-yielded ${at(event)} ${eventType}`,
  }),
  'consumer-renamed': ({ group, before, consumer }) =>
    warn(
      `Consumer "${before}" of group "${group}" runs on as "${consumer}": another consumer has taken ` +
        'its name, and its pending messages. Give each consumer of a group a name of its own.',
    ),
  'event-filtered': ({ eventType, ...event }) => ({
    level: 'log',
    text:
      `Messages "${eventType}" of ${at(event)} are acknowledged and not handled, since no consumer of ` +
      'the group handles them. Add a handler for them, or set the option unmatched to "dead-letter".',
  }),
  'unhandled-waits': ({ id, eventType, why, ...event }) => ({
    level: why === 'unsettled' ? 'log' : 'warn',
    text: `Message ${id} "${eventType}" of ${at(event)} waits, uncounted: this process has no handler for it, and ${WAITS[why]}`,
    key: `unhandled-waits ${at(event)} ${eventType} ${why}`,
  }),
  'reading-paused': ({ group, parked }) =>
    warn(
      `Group "${group}" reads nothing new while ${parked} messages wait for a retry, for others of ` +
        'their key, or for another consumer (maxParked)',
    ),
  'reading-resumed': ({ group }) => ({ level: 'log', text: `Group "${group}" reads on` }),
  'assignment-discarded': ({ service, id, reason }) => ({
    ...warn(
      `Announcement ${id} of service "${service}" was moved to "${service}-input-dlq": ` +
        (reason === 'unparseable'
          ? 'it names no stream'
          : 'its name belongs to the service itself'),
    ),
    key: `assignment-discarded ${service} ${reason}`,
  }),
  'order-broken': (event) => ({
    ...warn(
      `${event.count} messages of ${at(event)} run after later ones: another consumer, which was not the owner, had read them`,
    ),
    key: `order-broken ${at(event)}`,
  }),
  'reply-broken': ({ streams, group, error: { message } }) => ({
    ...warn(message),
    key: `reply-broken ${group} ${streams[0]}`,
  }),
  'entry-too-large': ({ stream, group, id, error: { message } }) => ({
    ...error(message),
    key: `entry-too-large ${at({ stream, group })} ${id}`,
  }),
  ...LOST_LINES,
  'stream-lag': (event) => ({
    level: event.recovered ? 'log' : event.severity === 'CRITICAL' ? 'error' : 'warn',
    text:
      `Group "${event.consumerGroup}" of stream "${event.stream}" ${lagText(event)}, ` +
      (event.recovered
        ? `again within its limit of ${event.threshold}`
        : `its limit is ${event.threshold}`),
    key: `stream-lag ${event.stream} ${event.consumerGroup} ${event.age === undefined} ${event.severity} ${event.recovered}`,
  }),
  'publish-failed': ({ stream, eventType, error: { name, message } }) => ({
    ...error(
      `"${eventType}" was not published to "${stream}", and no caller awaited it: ${message}`,
    ),
    key: `publish-failed ${stream} ${eventType} ${name}`,
  }),
  overrun: overran,
  'overrun-ended': ({ handler, id, duration, ...where }) => ({
    level: 'log',
    text: `${handler} has ended with message ${id} of ${at(where)}, after ${seconds(duration)}`,
  }),
  ...OUTBOX_LINES,
  ...PARTITION_LINES,
  administered,
  'dead-lettered': deadLettered,
  'messages-dropped': messagesDropped,
  'strategy-failed': strategyFailed,
  'run-failed': runFailed,
  'runs-awaited': runsAwaited,
  'runs-given-up': runsGivenUp,
};

function overran({
  handler,
  id,
  messages,
  runningFor,
  reason,
  slotGivenBack,
  ...where
}: StreamsEvents['overrun']): Line {
  const what = messages > 1 ? `${messages} messages, the first ${id},` : `message ${id}`;
  const since = reason === 'timeout' ? 'beyond its timeout' : 'after its stream has ended';
  const slot = slotGivenBack
    ? 'Other messages use its slot.'
    : 'It keeps its slot: fewer other messages run (maxOverrun).';
  return warn(
    `${handler} still runs after ${seconds(runningFor)} with ${what} of ${at(where)}, ${since}. ${slot} ` +
      `Until the method has ended, ${messages > 1 ? 'they do' : 'the message does'} not start again in this process.`,
  );
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const lagText = ({ lag, age }: StreamsEvents['stream-lag']): string =>
  age === undefined
    ? `is ${lag} messages behind`
    : `has not settled a message that is ${age} ms old`;

/** The logger of all classes that share this runtime. */
export function loggerOf({ options: { name } }: StreamsRuntime): Logger {
  return new Logger(name === 'default' ? 'Streams' : `Streams:${name}`);
}

const logging = new WeakSet<StreamsRuntime>();

/** Logs the events that an operator should know of. Each event is logged once, also if several classes share the runtime. */
export function logEvents(runtime: StreamsRuntime): void {
  if (logging.has(runtime)) return;
  logging.add(runtime);
  const log = new RateLimitedLog(loggerOf(runtime));
  for (const event of Object.keys(LINES) as StreamsEventName[])
    logEvent(runtime.events, event, log);
  logReconnections(runtime.events, log);
  logUnreadable(runtime, log);
  runtime.whenClosed.push(() => log.flush());
}

function logEvent<N extends StreamsEventName>(
  events: EventBus,
  name: N,
  log: RateLimitedLog,
): void {
  const lineOf = LINES[name]!;
  events.on(name, (event) => {
    const line = lineOf(event);
    if (line) log.write({ ...line, fields: fieldsOf(name, event) });
  });
}

function logUnreadable({ events, consumers }: StreamsRuntime, log: RateLimitedLog): void {
  events.on('stream-unreadable', (event) => {
    // The line of `consumer-failed` tells of it.
    if (consumers.endsBy(event)) return;
    const { message } = event.error;
    const text = `This process reads no messages of ${at(event)} until this is fixed: ${message}`;
    log.write({ ...error(text), fields: fieldsOf('stream-unreadable', event) });
  });
}

function logReconnections(events: EventBus, log: RateLimitedLog): void {
  const broken = new BrokenConnections();
  const tell = (name: StreamsEventName, connection: object, text: string): void =>
    log.write({ level: 'log', text, fields: fieldsOf(name, connection) });
  const over = (connection: StreamsEvents['connected']): boolean => {
    const wasBroken = broken.delete(connection);
    if (broken.size === 0) log.drop(NO_CONNECTION);
    return wasBroken;
  };
  events.on('disconnected', (connection) => broken.add(connection));
  events.on('connected', (connection) => {
    if (over(connection))
      tell('connected', connection, `The ${connectionName(connection)} works again`);
  });
  events.on('connection-retired', (connection) => {
    if (over(connection))
      tell('connection-retired', connection, `A ${connectionName(connection)} is no longer needed`);
  });
}
