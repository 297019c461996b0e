import type { FollowUp } from './follow-up.js';
import type { ProgressRecorder } from './progress-recorder.js';

/** Tells the recorder what becomes of deliveries. */
export function recorded(
  followUp: Pick<FollowUp, 'settled' | 'lost' | 'handedOver'>,
  recorder: ProgressRecorder,
): Pick<FollowUp, 'settled' | 'lost' | 'handedOver'> {
  return {
    settled: (delivery, settlement, outcome) => {
      followUp.settled(delivery, settlement, outcome);
      recorder.settled(delivery, settlement, outcome);
    },
    lost: (delivery, settlement) => {
      const isLost = followUp.lost(delivery, settlement);
      recorder.dropped(delivery, settlement.why === 'trimmed');
      return isLost;
    },
    handedOver: (delivery, settlement) => {
      followUp.handedOver(delivery, settlement);
      recorder.dropped(delivery, false);
    },
  };
}
