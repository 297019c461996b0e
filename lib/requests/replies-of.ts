import { UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { Driver } from '../ports/driver.js';
import type { Replies } from '../ports/replies.js';

/** @throws UnsupportedFeatureError where the driver cannot carry answers */
export function repliesOf({ replies }: Driver, technology: string): Replies {
  if (replies) return replies;
  const advice = 'Emit events, or use a driver that has the port replies.';
  throw new UnsupportedFeatureError('Requests and their answers', technology, advice);
}
