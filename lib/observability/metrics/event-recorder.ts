import type { EventBus } from '../../core/event-bus.js';
import { StreamsError } from '../../core/errors/streams.error.js';
import type { StreamsEventName, StreamsEvents } from '../../core/events.js';
import type { PublishedEvent } from '../../core/message-events.js';
import type { SettledEvent } from '../../core/run-events.js';
import { OPERATION } from '../conventions/messaging.js';
import type { MetricStore } from './metric-store.js';

/** Where events come from. */
export interface MetricsSource {
  readonly events: EventBus;
  /** Name of the technology: `redis`, `kafka`, … */
  readonly technology: string;
  /**
   * Name of a stream for a label. A service of a load balancer has a stream for each job, so its name
   * stands for all of them.
   */
  readonly destinationOf: (stream: string, group: string) => string;
}

/** What `error.type` says of an error without a code. */
const OTHER = '_OTHER';
/** Outcomes of runs that failed. */
const FAILED: ReadonlySet<string> = new Set([
  'failed',
  'retried',
  'dead-lettered',
  'dropped',
  'held',
  'forwarded',
]);

/**
 * Counts what the events of one transport tell.
 * @returns a function that ends this
 */
export function recordEvents(source: MetricsSource, store: MetricStore): () => void {
  const { events } = source;
  const offs: (() => void)[] = [];
  const on = <N extends StreamsEventName>(name: N, listener: (event: StreamsEvents[N]) => void) =>
    void offs.push(events.on(name, listener));
  const place = ({ stream, group }: { readonly stream: string; readonly group: string }) =>
    [source.destinationOf(stream, group), group] as const;

  // From 0 on, so that Prometheus sees the first increase, and a page is never empty.
  store.count('workflowsBegun', [], 0);
  on('published', recordPublished(source, store));
  on('settled', recordSettled(source, store));
  on('delivered', (event) => {
    store.count('consumed', [source.technology, OPERATION.receive, ...place(event)]);
  });
  on('dead-lettered', (event) => {
    const { handler = '', outcome, reason = '' } = event;
    store.count('givenUp', [...place(event), handler, outcome, reason]);
  });
  on('overrun', (event) => store.count('overruns', [...place(event), event.handler]));
  on('reclaimed', (event) => store.count('reclaimed', place(event), event.count));
  on('trimmed', (event) => store.count('trimmed', place(event), event.count));
  on('messages-lost', (event) => {
    store.count('lost', [...place(event), event.why], event.count ?? 1);
  });
  on('data-loss-suspected', (event) => store.count('dataLoss', place(event)));
  on('promoted', ({ stream, count }) => store.count('promoted', [stream], count));
  on('workflow-begun', () => store.count('workflowsBegun', []));
  on('workflow-ended', ({ status }) => store.count('workflowsEnded', [status]));
  on('outbox-refused', ({ stream }) => store.count('outboxRefusals', [stream]));
  on('outbox-dead', ({ stream }) => store.count('outboxDead', [stream]));
  on('disconnected', ({ role }) => store.count('disconnections', [role]));
  on('worker-error', ({ worker }) => store.count('workerErrors', [worker]));
  on('warning', ({ code }) => store.count('warnings', [code]));
  on('administered', ({ action, error }) => {
    store.count('administered', [action, error ? typeOf(error) : '']);
  });
  on('reading-paused', ({ group }) => store.set('paused', [group], 1));
  on('reading-resumed', ({ group }) => store.set('paused', [group], 0));
  // A process that only publishes never starts to read, and has no such series.
  on('started', () => store.set('ready', [source.technology], 0));
  on('ready', () => store.set('ready', [source.technology], 1));
  on('stopping', () => store.set('ready', [source.technology], 0));
  return () => offs.forEach((off) => off());
}

function recordPublished({ technology }: MetricsSource, store: MetricStore) {
  return ({ stream, error, duration, by }: PublishedEvent): void => {
    const labels = [technology, OPERATION.send, stream, error ? typeOf(error) : ''];
    store.count('sent', labels);
    // What a settlement publishes has no duration of its own.
    if (by === 'producer') store.observe('operationDuration', labels, duration / 1000);
  };
}

function recordSettled({ technology, destinationOf }: MetricsSource, store: MetricStore) {
  const [settled, runs, waits] = [
    store.of('settled'),
    store.of('processDuration'),
    store.of('wait'),
  ];
  return (event: SettledEvent): void => {
    const { group, handler = '', outcome, reason, handlerTime, wait } = event;
    const stream = destinationOf(event.stream, group);
    settled.add(settled.at([stream, group, handler, outcome]), 1);
    if (handlerTime > 0) {
      const errorType = FAILED.has(outcome) ? (reason ?? outcome) : '';
      const labels = [technology, OPERATION.process, stream, group, handler, errorType];
      runs.observe(runs.at(labels), handlerTime / 1_000_000);
      waits.observe(waits.at([stream, group, handler]), wait / 1000);
    }
  };
}

/** A name with few values: the stable code of this library's errors. */
const typeOf = (error: Error): string => (error instanceof StreamsError ? error.code : OTHER);
