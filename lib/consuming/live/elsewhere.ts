import type { Delivery } from '../../core/delivery.js';
import type { Subscription } from '../../ports/source.js';
import { taken, type SettlementHandler } from '../settling/settlement-handler.js';
import type { ConsumerOptions } from '../consumer-options.js';
import { HandOver, type Ends } from './hand-over.js';
import { InTurn } from './in-turn.js';

export interface ElsewhereParts {
  readonly subscription: Subscription;
  readonly settlementHandler: SettlementHandler;
  /** Nothing of its stream starts. */
  readonly isHalted: (delivery: Delivery) => boolean;
  /** Gives an ordered stream up. Undefined: its streams are in no order. */
  readonly onYield: ((delivery: Delivery) => void) | undefined;
}

/** What a consumer needs to find another one for what no handler here takes. */
export interface Elsewhere {
  readonly handOver: HandOver;
  /** Of an ordered stream. */
  readonly inTurn: InTurn | undefined;
}

/** Undefined where consumers do not know of each other. */
export function elsewhereOf(
  options: ConsumerOptions,
  { subscription, settlementHandler, isHalted, onYield }: ElsewhereParts,
): Elsewhere | undefined {
  const { live, presence, plan } = options;
  if (!live || !presence) return undefined;
  const ends: Ends = {
    settle: (delivery, settlement) => settlementHandler.settle(delivery, settlement),
    lost: (delivery) => settlementHandler.settle(delivery, taken),
    postpone: (delivery, delay) => settlementHandler.postpone(delivery, delay),
  };
  const common = { ...options, ...plan, ends, isHalted, subscription };
  const handOver = new HandOver({ ...common, live, presence, onYield });
  return { handOver, inTurn: onYield && new InTurn({ ...common, handOver, onYield }) };
}
