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
      const isLost = followUp.lost(delivery, settlement);
      // A run that was given up, and ends later, was told of then.
      if (isLost) instrumentation.settled(delivery, settlement, 'lost');
      return isLost;
    },
    handedOver: (delivery, settlement) => {
      instrumentation.settled(delivery, settlement, 'settled');
      followUp.handedOver(delivery, settlement);
    },
  };
}
