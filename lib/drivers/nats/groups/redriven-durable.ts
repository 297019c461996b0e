import type { Redriven } from '../dead-letters/redriven.js';
import { token, type Names } from '../names/names.js';
import type { NewDurable } from './durable-settings.js';

/** The durable by which a group reads its redriven messages of a stream. */
export const redrivenDurable = (
  names: Names,
  redriven: Pick<Redriven, 'stream'>,
  stream: string,
  group: string,
): Pick<NewDurable, 'jsStream' | 'durable' | 'subject'> => ({
  jsStream: redriven.stream.name,
  durable: `${token(stream)}_${token(group)}`,
  subject: names.redrivenMessage(stream, group, '*'),
});
