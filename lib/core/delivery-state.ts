/** Where a delivery stands. docs/architecture.md has the diagram. */
export type DeliveryState =
  /** It may start as soon as a slot, its key or another consumer's answer lets it. */
  | 'buffered'
  | 'running'
  /** Its method goes on, and another run has the entry: nothing of this one is settled. */
  | 'disowned'
  /** The source is being told what becomes of it. */
  | 'settling'
  /** Its entry waits here for the next run. */
  | 'parked'
  | 'acked'
  | 'dead-lettered'
  /** Given back to the source. */
  | 'released'
  /** Pending by policy: this consumer does not look at it again. */
  | 'left'
  /** Another consumer has it now. */
  | 'handed-over'
  /** Another run has the entry, or its data is gone. */
  | 'lost';

interface Stateful {
  readonly state: DeliveryState;
}

/** Each state, and those before it: the most frequent one first. */
export const BEFORE: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  buffered: ['parked', 'running'],
  running: ['buffered'],
  disowned: ['running'],
  settling: ['running', 'buffered', 'parked'],
  parked: ['settling', 'buffered'],
  acked: ['settling'],
  'dead-lettered': ['settling'],
  released: ['settling'],
  left: ['settling', 'running', 'buffered'],
  'handed-over': ['buffered', 'parked'],
  lost: ['settling', 'disowned', 'running', 'buffered', 'parked'],
};

/**
 * The only place that changes the state of a delivery.
 * @returns false, and nothing has changed, where that state does not follow the present one. A
 * settlement that comes second is dropped so, for example
 */
export function move(delivery: Stateful, to: DeliveryState): boolean {
  const before = BEFORE[to];
  const { state } = delivery;
  if (before[0] !== state && !before.includes(state)) return false;
  (delivery as { state: DeliveryState }).state = to;
  return true;
}

/** Its method goes on, and what becomes of it is not decided. */
export const isRunning = ({ state }: Stateful): boolean =>
  state === 'running' || state === 'disowned';

/** It may run, or its run may go on: the entry is ours, and nothing is decided about it. */
export const isOurs = ({ state }: Stateful): boolean =>
  state === 'running' || state === 'buffered' || state === 'parked';

/** Another run has the entry, as far as is known here. */
export const isLost = ({ state }: Stateful): boolean => state === 'lost' || state === 'disowned';
