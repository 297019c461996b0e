import { describe, expect, it } from 'vitest';
import { AnswerKind, RequestRun } from '../../lib/core/answer.js';
import { rawCodec } from '../../lib/core/codecs/raw.codec.js';
import type { Replies } from '../../lib/ports/replies.js';
import { memory } from '../../lib/drivers/memory/index.js';
import type { StreamsOptions } from '../../lib/options/streams-options.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { wrongly } from '../support/stand-in.js';
import { inAllSlots } from '../support/in-all-slots.js';

const MIB = 1_048_576;
const open = (options: Partial<StreamsOptions> = {}) =>
  new StreamsRuntime({ slots: inAllSlots(memory()), group: 'g', ...options });

/** A text that is so many bytes long as JSON, with its quotes, made of characters of so many bytes. */
function textOf(bytes: number, character: string): string {
  const width = Buffer.byteLength(character);
  const inside = bytes - 2;
  return character.repeat(Math.floor(inside / width)) + 'x'.repeat(inside % width);
}

describe('the limit of payloads', () => {
  it.each(['x', 'é', '€', '😀'])(
    'counts the bytes of %s, and lets exactly the limit pass',
    async (one) => {
      const { producer } = open();
      const publish = (bytes: number) =>
        producer.publish({ eventType: 'e', payload: textOf(bytes, one) });
      await expect(publish(MIB)).resolves.toMatch(/^\d+-\d+$/);
      await expect(publish(MIB + 1)).rejects.toMatchObject({
        name: 'PayloadTooLargeError',
        code: 'PAYLOAD_TOO_LARGE',
        size: MIB + 1,
        limit: MIB,
        eventType: 'e',
      });
    },
  );

  it('is that of each message of a batch, of which then nothing is published', async () => {
    const runtime = open({ maxPayloadBytes: 10 });
    const [fits, tooLarge] = [textOf(10, '😀'), textOf(11, '😀')];
    const batch = [fits, tooLarge].map((payload) => ({ eventType: 'e', payload }));
    await expect(async () => runtime.producer.publishBatch(batch)).rejects.toMatchObject({
      size: 11,
      limit: 10,
    });
    const [report] = await runtime.driver.groups!.describe(['e']);
    expect(report).toBeUndefined();
  });

  it('holds for what a codec writes, in any fields', () => {
    const { producer } = open({ codec: rawCodec, maxPayloadBytes: 8 });
    const encode = (value: string) =>
      producer.encode({ eventType: 'e', payload: { field: value } });
    expect(() => encode('😀😀')).not.toThrow();
    expect(() => encode('😀😀x')).toThrow(expect.objectContaining({ size: 9, limit: 8 }));
  });

  it('is that of answers, too', () => {
    const header = { box: 'box', id: 1, timeout: 1000 } as never;
    const run = new RequestRun(header, wrongly<Replies>(undefined), 8);
    const body = (text: string) => run.answer(AnswerKind.End, text).fields.at(-1);
    expect(body('😀😀')).toBe('😀😀');
    expect(JSON.parse(body('😀😀x')!)).toEqual({
      name: 'PayloadTooLargeError',
      code: 'PAYLOAD_TOO_LARGE',
      message: expect.stringContaining('9 bytes, the limit is 8'),
    });
  });
});
