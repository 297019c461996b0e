import { ATTRIBUTE, METRIC, OWN_ATTRIBUTE } from '../conventions/messaging.js';

/** What a metric is, its name, and what tells its series apart. */
export interface MetricDefinition {
  /** Name as OpenTelemetry writes it. For Prometheus see {@link prometheusName}. */
  readonly name: string;
  /** A counter and a histogram only grow. A gauge is a value of this moment. */
  readonly kind: 'counter' | 'histogram' | 'gauge';
  /** `s` for seconds, or what is counted, such as `{message}`. */
  readonly unit: string;
  /** What the metric says. One sentence. */
  readonly help: string;
  /** Names of the attributes, as OpenTelemetry writes them. */
  readonly attributes: readonly string[];
  /** The value is that of the whole group or stream: each process says the same. Take `max by`. */
  readonly shared?: boolean;
}

const OWN = 'nestjs_redis_streams';
const { system, operationName, destination, group, errorType } = ATTRIBUTE;
const { handler, outcome, reason } = OWN_ATTRIBUTE;

const counter = (name: string, unit: string, attributes: readonly string[], help: string) =>
  ({ name, kind: 'counter', unit, attributes, help }) as const;
const duration = (name: string, attributes: readonly string[], help: string) =>
  ({ name, kind: 'histogram', unit: 's', attributes, help }) as const;
const gauge = (name: string, unit: string, attributes: readonly string[], help: string) =>
  ({ name: `${OWN}.${name}`, kind: 'gauge', unit, attributes, help, shared: true }) as const;

/** All metrics of the library. The semantic conventions define the first four. */
export const METRICS = {
  sent: counter(
    METRIC.sent,
    '{message}',
    [system, operationName, destination, errorType],
    'Messages that were published, or refused by the source (with error.type).',
  ),
  operationDuration: duration(
    METRIC.operationDuration,
    [system, operationName, destination, errorType],
    'Time until the source has answered a publication. Each message of a batch counts the time of its batch.',
  ),
  consumed: counter(
    METRIC.consumed,
    '{message}',
    [system, operationName, destination, group],
    'Messages that the source has handed to a consumer of this process, once for each delivery.',
  ),
  processDuration: duration(
    METRIC.processDuration,
    [system, operationName, destination, group, handler, errorType],
    'Time of the run of a handler, without the settlement. Each message of a batch counts the time of its batch.',
  ),
  settled: counter(
    `${OWN}.settled.messages`,
    '{message}',
    [destination, group, handler, outcome],
    'Settlements by outcome.',
  ),
  wait: duration(
    `${OWN}.wait.duration`,
    [destination, group, handler],
    'Time for which a message waited for its run, without an intended delay.',
  ),
  givenUp: counter(
    `${OWN}.given_up.messages`,
    '{message}',
    [destination, group, handler, outcome, reason],
    'Messages that no further run can help, by what became of them and why.',
  ),
  overruns: counter(
    `${OWN}.overrun.runs`,
    '{run}',
    [destination, group, handler],
    'Methods that went on after their timeout, or after their stream had ended.',
  ),
  reclaimed: counter(
    `${OWN}.reclaimed.messages`,
    '{message}',
    [destination, group],
    'Messages taken over from consumers that had not kept them fresh, or had released them.',
  ),
  lost: counter(
    `${OWN}.lost.messages`,
    '{message}',
    [destination, group, reason],
    'Messages that the group will never handle. At least one where their number is not known.',
  ),
  trimmed: counter(
    `${OWN}.trimmed.messages`,
    '{message}',
    [destination, group],
    'Pending messages whose data had been deleted.',
  ),
  dataLoss: counter(
    `${OWN}.data_loss.suspicions`,
    '{suspicion}',
    [destination, group],
    'Looks that found that the server may have lost messages.',
  ),
  promoted: counter(
    `${OWN}.promoted.messages`,
    '{message}',
    [destination],
    'Delayed messages that this process has published when they were due.',
  ),
  administered: counter(
    `${OWN}.administered.actions`,
    '{action}',
    [`${OWN}.action`, errorType],
    'Administrative actions that this process has carried out, or that failed (with error.type).',
  ),
  workflowsBegun: counter(`${OWN}.workflows.begun`, '{workflow}', [], 'Workflows begun here.'),
  workflowsEnded: counter(
    `${OWN}.workflows.ended`,
    '{workflow}',
    [`${OWN}.status`],
    'Workflows whose last step has ended here.',
  ),
  outboxRefusals: counter(
    `${OWN}.outbox.refusals`,
    '{refusal}',
    [destination],
    'Refusals of messages of the outbox by the source.',
  ),
  outboxDead: counter(
    `${OWN}.outbox.dead.messages`,
    '{message}',
    [destination],
    'Messages of the outbox that were refused too often.',
  ),
  disconnections: counter(
    `${OWN}.disconnections`,
    '{disconnection}',
    [`${OWN}.connection.role`],
    'Connections that broke.',
  ),
  workerErrors: counter(
    `${OWN}.worker.errors`,
    '{error}',
    [`${OWN}.worker`],
    'Failures of background tasks, each tried again.',
  ),
  warnings: counter(
    `${OWN}.warnings`,
    '{warning}',
    [`${OWN}.code`],
    'Warnings about settings and servers, by their code.',
  ),
  ready: {
    name: `${OWN}.ready`,
    kind: 'gauge',
    unit: '',
    attributes: [system],
    help: '1 while each consumer of this process reads, 0 before and from the shutdown on.',
  },
  paused: {
    name: `${OWN}.reading.paused`,
    kind: 'gauge',
    unit: '',
    attributes: [group],
    help: '1 while nothing new is read because as many messages as maxParked wait in this process.',
  },
  groupLag: gauge(
    'group.lag',
    '{message}',
    [destination, group],
    'Messages that the group has not been given yet.',
  ),
  groupTimeLag: gauge(
    'group.time_lag',
    's',
    [destination, group],
    'Age of the oldest message that the group has not been given yet.',
  ),
  groupPending: gauge(
    'group.pending',
    '{message}',
    [destination, group],
    'Messages that were delivered and are not settled.',
  ),
  groupOldestPending: gauge(
    'group.oldest_pending',
    's',
    [destination, group],
    'Age of the oldest message that was delivered and is not settled.',
  ),
  groupConsumers: gauge(
    'group.consumers',
    '{consumer}',
    [destination, group],
    'Consumers that the server knows in the group.',
  ),
  streamLength: gauge('stream.length', '{message}', [destination], 'Messages in the stream.'),
  delayed: gauge(
    'delayed.messages',
    '{message}',
    [destination],
    'Messages that wait until they are due.',
  ),
  delayedOverdue: gauge(
    'delayed.overdue',
    's',
    [destination],
    'Time since the oldest delayed message was due that still waits. 0 where none is due.',
  ),
  deadLetters: gauge(
    'dead_letters.messages',
    '{message}',
    [destination],
    'Messages in the dead letter queue.',
  ),
  deadLettersOldest: gauge(
    'dead_letters.oldest',
    's',
    [destination],
    'Time since the oldest dead letter was stored.',
  ),
} as const satisfies Record<string, MetricDefinition>;

/** Names the metrics in code. */
export type MetricKey = keyof typeof METRICS;

/** Name of an attribute as Prometheus writes it: `messaging_destination_name`. */
export const prometheusLabel = (attribute: string): string => attribute.replaceAll('.', '_');

/**
 * Name of a metric as Prometheus writes it, by OpenTelemetry's own rule of translation. So a metric has
 * the same name whether Prometheus scrapes it here or gets it from a collector.
 */
export function prometheusName({ name, kind, unit }: MetricDefinition): string {
  const base = prometheusLabel(name) + (unit === 's' ? '_seconds' : '');
  return kind === 'counter' ? `${base}_total` : base;
}
