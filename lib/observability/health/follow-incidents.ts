import { ConnectionError } from '../../core/errors/connection.errors.js';
import type { EventBus } from '../../core/event-bus.js';
import type { StreamsEvents } from '../../core/events.js';
import type { Incidents } from './incidents.js';

/** Codes of warnings that tell of a fallback path, which lasts. */
const FALLBACKS: ReadonlySet<string> = new Set([
  'NO_LIVE_CONSUMERS',
  'NO_EXPIRY_HINTS',
  'NO_DELAY_HINTS',
  'NO_HAND_OVER_HINTS',
  'NO_HINTS',
  'GARBAGE_STAYS',
  'SERVER_FEATURE_DENIED',
  'SERVER_FEATURE_MISSING',
]);

/** Codes of warnings that tell of a shortage, which may have passed. */
const SHORTAGES: ReadonlySet<string> = new Set([
  'NOTIFICATIONS_UNHEARD',
  'NATS_LAME_DUCK',
  'NATS_SLOW_CONSUMER',
  'KAFKA_PARTITION_FULL',
  'STATE_STORE_FULL',
  'READ_BYTES_FULL',
  'GROUP_WAITS',
]);

/** Listens to the events that make a transport degraded. */
export function followIncidents(
  events: EventBus,
  incidents: Incidents,
  knowsConsumers: boolean,
): void {
  followLag(events, incidents);
  followLosses(events, incidents);
  followWork(events, incidents);
  events.on('warning', ({ code, message }) => {
    if (code === 'NO_LIVE_CONSUMERS' && !knowsConsumers) return;
    const incident = { code: 'fallback', message: `${code}: ${message}` } as const;
    if (FALLBACKS.has(code)) incidents.began(code, incident);
    else if (SHORTAGES.has(code)) incidents.happened(code, incident);
  });
}

function followLag(events: EventBus, incidents: Incidents): void {
  events.on('stream-lag', (alarm) => {
    const { stream, consumerGroup: group, severity, recovered } = alarm;
    const key = `lag ${stream} ${group} ${severity}`;
    const message = `Group "${group}" is behind on "${stream}": ${severity}.`;
    if (recovered) incidents.over(key);
    else incidents.began(key, { code: 'lag', message, stream, group });
  });
  events.on('reading-paused', ({ group, parked }) => {
    const message = `${parked} messages of group "${group}" wait for a retry, for others of their key, or for another consumer. Nothing new is read.`;
    incidents.began(`paused ${group}`, { code: 'reading-paused', message, group });
  });
  events.on('reading-resumed', ({ group }) => incidents.over(`paused ${group}`));
}

function followLosses(events: EventBus, incidents: Incidents): void {
  events.on('data-loss-suspected', ({ stream, group, after, upTo }) => {
    const message = `The server lost data: entries between ${after} and ${upTo} may never have been handled.`;
    incidents.happened(`loss ${stream} ${group}`, { code: 'data-loss', message, stream, group });
  });
  events.on('messages-lost', ({ stream, group, count, why }) => {
    const message = `${count ?? 'Some'} messages will never be handled: ${why}.`;
    incidents.happened(`lost ${stream} ${group}`, { code: 'data-loss', message, stream, group });
  });
  events.on('delays-lost', ({ stream, count }) => {
    const message = `${count} delayed messages were due whose data had been deleted.`;
    incidents.happened(`delays lost ${stream}`, { code: 'data-loss', message, stream });
  });
}

function followWork(events: EventBus, incidents: Incidents): void {
  const lostConnection = new Set<string>();
  events.on('delays-stuck', ({ stream, error }) => {
    const message = `Delayed messages cannot be published: ${error.message}`;
    incidents.happened(`delays ${stream}`, { code: 'delays', message, stream });
  });
  events.on('outbox-stalled', ({ error }) => {
    const message = `The message source takes nothing from the outbox: ${error.message}`;
    incidents.began('outbox', { code: 'outbox', message });
  });
  events.on('outbox-resumed', () => incidents.over('outbox'));
  events.on('outbox-dead', ({ stream, id, error }) => {
    const message = `Row ${id} of the outbox was refused too often: ${error.message}`;
    incidents.happened(`outbox ${stream}`, { code: 'outbox', message, stream });
  });
  events.on('worker-error', ({ worker, error }) => {
    const message = `The background task "${worker}" has failed and is tried again: ${error.message}`;
    const key = `task ${worker}`;
    if (error instanceof ConnectionError) lostConnection.add(key);
    else lostConnection.delete(key);
    incidents.happened(key, { code: 'task-failing', message });
  });
  // What had failed because of an outage is tried again now. What the server refuses goes on.
  events.on('connected', () => {
    for (const key of lostConnection) incidents.over(key);
    lostConnection.clear();
  });
  const keyOf = ({ group, streams }: StreamsEvents['consumer-started']): string =>
    `consumer ${group} ${streams.join()}`;
  events.on('consumer-failed', (failed) => {
    const message = `A consumer of "${failed.streams.join('", "')}" has ended: ${failed.error.message}`;
    const { group } = failed;
    incidents.began(keyOf({ ...failed, events: [] }), { code: 'consumer-ended', message, group });
  });
  events.on('consumer-started', (started) => incidents.over(keyOf(started)));
}
