import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import type { Message } from '../../core/message.js';
import { checked } from '../../core/option-schema/kinds.js';
import { refuse } from '../../core/option-schema/refuse.js';
import { isRecord } from '../../core/option-schema/shape.js';
import { messageId } from '../../options/message-ids.js';
import type { IdFormat } from '../../ports/id-format.js';

const named = (ids: IdFormat) =>
  checked<Pick<Message, 'id' | 'stream'>>(
    `${ids.expected}, or { id, stream }`,
    (value) =>
      isRecord(value) &&
      messageId(ids).kind.accepts(value['id']) &&
      typeof value['stream'] === 'string',
  );

/** The message that the caller of `acknowledge` means. */
export function namedMessage(
  ids: IdFormat,
  streams: readonly string[],
  message: string | Pick<Message, 'id' | 'stream'>,
): Pick<Message, 'id' | 'stream'> {
  if (typeof message !== 'string') {
    refuse(named(ids).required().problems(message, 'acknowledge'));
    return message;
  }
  if (streams.length > 1) {
    throw new InvalidOptionsError([
      'acknowledge must be given the message, or { id, stream }: this consumer reads several ' +
        'streams, and an id says nothing about its stream',
    ]);
  }
  refuse(messageId(ids).problems(message, 'acknowledge'));
  return { id: message, stream: streams[0]! };
}

/** What is wrong with the arguments of `start` and `subscribe`. */
export function problemsOf(callback: unknown, eventTypes: unknown): string[] {
  const problems: string[] = [];
  if (typeof callback !== 'function') problems.push('the callback must be a function');
  const listed =
    eventTypes === undefined ||
    (Array.isArray(eventTypes) &&
      eventTypes.length > 0 &&
      eventTypes.every((type) => typeof type === 'string' && type !== '') &&
      new Set(eventTypes).size === eventTypes.length);
  if (!listed) problems.push('eventTypes must be a list of different texts that are not empty');
  return problems;
}
