import type { Instrumentation } from '../../core/instrumentation.js';
import type { FollowUp } from './follow-up.js';

/** Tells the instrumentation what becomes of deliveries. */
export function instrumented(
  followUp: Pick<FollowUp, 'settled' | 'lost' | 'handedOver'>,
  instrumentation: Instrumentation,
): Pick<FollowUp, 'settled' | 'lost' | 'handedOver'> {
  return {
    settled: (delivery, settlement, outcome) => {
      instrumentation.settled(delivery, settlement, outcome);
      followUp.settled(delivery, settlement, outcome);
    },
    lost: (delivery, settlement) => {
      instrumentation.settled(delivery, settlement, 'lost');
      followUp.lost(delivery, settlement);
    },
    handedOver: (delivery, settlement) => {
      instrumentation.settled(delivery, settlement, 'settled');
      followUp.handedOver(delivery, settlement);
    },
  };
}
