import { Backoff } from '../../../../../core/backoff.js';
import { sleep, systemClock, within } from '../../../../../core/clock.js';
import { KafkaConnectionError } from '../../../errors/kafka-connection.errors.js';
import type { KafkaRecord } from '../../kafka-client.js';
import { KafkajsAttempt, type AttemptParts, type Time } from './kafkajs-attempt.js';
import { PUBLISHING, type Outcome, type ProduceBatch } from './produce-batch.js';
import { roundsOf } from './produce-rounds.js';

/**
 * Sends records until the broker has told what became of each, or until there is no time left. A batch
 * that is sent again has the same numbers, so that the broker stores it once.
 */
export class KafkajsSending {
  /** The last attempt. It may go on when its time is over. */
  private attempt: Promise<void> = Promise.resolve();
  private isBusy = false;

  constructor(private readonly parts: AttemptParts) {}

  /** Returns the outcome of each record within `ms` milliseconds. Never rejects. */
  async send(records: readonly KafkaRecord[], ms: number): Promise<Outcome[]> {
    const time = { since: systemClock.now(), until: systemClock.now() + ms };
    const outcomes = new Array<Outcome>(records.length);
    // What is still on its way must not arrive behind what comes now.
    if (this.isBusy) await within(systemClock, ms, this.attempt);
    for (const round of roundsOf(records, outcomes)) await this.sendRound(round, time);
    return outcomes;
  }

  private async sendRound(round: readonly ProduceBatch[], time: Time): Promise<void> {
    const pauses = new Backoff(5, 500);
    for (;;) {
      const open = round.flatMap((batch) => batch.firstOpen() ?? []);
      if (open.length === 0) return;
      const left = time.until - systemClock.now();
      if (left <= 0 || this.isBusy) break;
      await within(systemClock, left, this.begin(open, time));
      if (!this.isBusy && open.some((batch) => batch.firstOpen() === batch)) {
        await sleep(systemClock, Math.min(pauses.next(), time.until - systemClock.now()));
      }
    }
    for (const batch of round) this.giveUp(batch);
  }

  private begin(open: readonly ProduceBatch[], time: Time): Promise<void> {
    this.isBusy = true;
    const attempt = new KafkajsAttempt(this.parts, time);
    this.attempt = attempt.send(open).finally(() => (this.isBusy = false));
    return this.attempt;
  }

  /** Fails what is not settled of a batch. Its parts may have different outcomes. */
  private giveUp(batch: ProduceBatch): void {
    for (let open; (open = batch.firstOpen());) {
      const { mayBeStored, sentBy, cause } = open;
      if (mayBeStored && sentBy) this.parts.renew?.(sentBy);
      const outcome = mayBeStored ? 'unknown' : 'not-sent';
      open.failed(new KafkaConnectionError(outcome, PUBLISHING, cause));
    }
  }
}
