import type { Codec } from '../../core/codecs/codec.js';
import { areTexts } from '../../core/codecs/text-bytes.js';
import type { Fields, Metadata } from '../../core/message.js';

/** A stored message, decoded as far as the codec can. */
export function decodedView<Item extends { readonly stream: string; readonly fields: Fields }>(
  codec: Codec,
  item: Item,
): Item & {
  readonly eventType: string | undefined;
  readonly payload: unknown;
  readonly metadata: Metadata;
} {
  try {
    if (!areTexts(item.fields)) throw new TypeError('bytes that are no UTF-8');
    const { payload, metadata } = codec.decode(item.fields);
    const eventType = codec.eventType(item.fields, item.stream);
    return { ...item, eventType, payload, metadata: metadata ?? {} };
  } catch {
    return { ...item, eventType: undefined, payload: undefined, metadata: {} };
  }
}
