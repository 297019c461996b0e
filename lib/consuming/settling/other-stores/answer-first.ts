import type { Clock } from '../../../core/clock.js';
import type { Replies } from '../../../ports/replies.js';
import type { Settle, Settling } from '../../../ports/source.js';

/**
 * Writes the last answers to requests, then settles. Both are sent at once, in this order: if a
 * process dies in between, its request runs again and is answered twice. An answer that could not
 * be written is written again with its settlement, until its caller no longer waits.
 */
export function answerFirst(settle: Settle, replies: Replies, clock: Clock): Settle {
  return (batch) => (batch.some(hasReply) ? answer(batch) : settle(batch));

  async function answer(batch: readonly Settling[]): ReturnType<Settle> {
    const answered = batch.flatMap((settling, index) => {
      const reply = replyOf(settling);
      return reply ? { reply, index } : [];
    });
    const sending = replies.send(answered.map(({ reply }) => reply));
    const [settled, sent] = await Promise.all([settle(batch), sending]);
    const outcomes = [...settled];
    for (const [at, { reply, index }] of answered.entries()) {
      const outcome = sent[at]!;
      if (outcome instanceof Error && clock.now() < reply.giveUpAt) outcomes[index] = outcome;
    }
    return outcomes;
  }
}

const hasReply = (settling: Settling): boolean => replyOf(settling) !== undefined;

const replyOf = ({ settlement }: Settling) =>
  settlement.kind === 'ack' ? settlement.reply : undefined;
