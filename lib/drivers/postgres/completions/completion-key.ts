import { keyPart, type CompletionKey } from '../../../core/completion.js';
import { keyText } from '../sql/key-text.js';

/** The text that stands for a unit of work. Keys that differ in one part have different texts. */
export const completionKey = (
  prefix: string,
  { stream, group, handler, key }: CompletionKey,
): string => keyText(`${[prefix, stream, group, handler].map(keyPart).join(':')}:${key}`);

/** The same under the name that version 0.1.0 has for the handler. Undefined: there is no such name. */
export const formerCompletionKey = (prefix: string, key: CompletionKey): string | undefined =>
  key.formerly === undefined ? undefined : completionKey(prefix, { ...key, handler: key.formerly });
