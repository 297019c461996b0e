import { STREAM_HANDLER, type StreamHandlerMark } from './stream-handler.decorator.js';

/** Decorated methods that Nest has passed to a transport of this process. */
const fed = new WeakSet<StreamHandlerMark>();

/** @param extras what Nest passes to `addHandler` with a method */
export function rememberFed(extras: Readonly<Record<PropertyKey, unknown>>): void {
  const mark = extras[STREAM_HANDLER] as StreamHandlerMark | undefined;
  if (mark) fed.add(mark);
}

export const isFed = (mark: StreamHandlerMark): boolean => fed.has(mark);
