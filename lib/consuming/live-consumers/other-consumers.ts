import type { Delivery } from '../../core/delivery.js';
import type { Subscription } from '../../ports/subscription.js';
import type { ConsumerPlan } from '../plan/plan.js';
import { HandOver, type HandOverOptions } from './hand-over.js';
import { UnhandledInOrder, type UnhandledInOrderOptions } from './unhandled-in-order.js';
import type { LiveParts, Presence } from './presence.js';
import type { Ends } from './transfers.js';

export interface ElsewhereParts {
  readonly subscription: Subscription;
  readonly ends: Ends;
  /** Whether deliveries of the same stream must not start now. */
  readonly isHalted: (delivery: Delivery) => boolean;
  /** Gives an ordered stream up. Undefined: its streams are in no order. */
  readonly onYield: ((delivery: Delivery) => void) | undefined;
}

export interface ElsewhereOptions
  extends
    Omit<HandOverOptions, 'live' | 'presence' | 'group' | 'tables' | keyof ElsewhereParts>,
    Pick<UnhandledInOrderOptions, 'source'> {
  readonly plan: ConsumerPlan;
  /** Undefined: the driver has no registry. */
  readonly live: LiveParts | undefined;
  /** Undefined: an event that no handler here takes is handed to no other consumer. */
  readonly presence?: Presence | undefined;
}

/** What a consumer needs to find another consumer for events that no handler here takes. */
export interface Elsewhere {
  readonly handOver: HandOver;
  /** For an ordered stream. */
  readonly unhandledInOrder: UnhandledInOrder | undefined;
}

/** Undefined where consumers do not know of each other. */
export function elsewhereOf(
  options: ElsewhereOptions,
  { subscription, ends, isHalted, onYield }: ElsewhereParts,
): Elsewhere | undefined {
  const { live, presence, plan } = options;
  if (!live || !presence) return undefined;
  const common = { ...options, ...plan, ends, isHalted, subscription };
  const handOver = new HandOver({ ...common, live, presence, onYield });
  return {
    handOver,
    unhandledInOrder: onYield && new UnhandledInOrder({ ...common, handOver, onYield }),
  };
}
