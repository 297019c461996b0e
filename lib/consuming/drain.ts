import type { Chain } from '../core/chain.js';
import { sleep, type Clock } from '../core/clock.js';
import type { Delivery } from '../core/delivery.js';
import { ShutdownError } from '../core/errors/handling.errors.js';
import type { Subscription } from '../core/source.js';
import type { Dispatcher } from './dispatcher.js';
import type { Heartbeat } from './heartbeat.js';
import type { Intake } from './intake.js';
import type { Parking } from './parking.js';
import type { Settler } from './settler.js';

/** How long a shutdown tries to bring its last settlements to the source, ms. */
const LAST_SETTLEMENTS = 5000;

/** The parts of a consumer that end one after the other. */
export interface Draining {
  readonly clock: Clock;
  readonly gracePeriod: number;
  readonly held: Chain<Delivery>;
  readonly dispatcher: Dispatcher;
  readonly intake: Intake;
  readonly parking: Parking;
  readonly settler: Settler;
  readonly heartbeat: Heartbeat;
  readonly subscription: Subscription;
  /** Settles it as released. */
  readonly letGo: (delivery: Delivery) => void;
}

/** Stops reading, releases what has not started, awaits what runs, settles, closes. */
export async function drain(consumer: Draining): Promise<void> {
  const { clock, dispatcher, intake, parking, settler, letGo } = consumer;
  const unstarted = dispatcher.stop();
  await intake.stop();
  unstarted.push(...dispatcher.stop(), ...parking.takeAll());
  for (const delivery of unstarted) letGo(delivery);
  await within(clock, consumer.gracePeriod, dispatcher.idle());
  for (const delivery of consumer.held) {
    if (!delivery.running) continue;
    delivery.abort(new ShutdownError());
    letGo(delivery);
    delivery.lost = true;
  }
  await within(clock, LAST_SETTLEMENTS, settler.idle());
  settler.abandon();
  await consumer.heartbeat.stop();
  await consumer.subscription.close();
}

async function within(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, sleep(clock, ms, done.signal)]);
  done.abort();
}
