import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Option } from '../core/option-schema/option.js';
import { HELD_CONSUMER } from '../ports/held-entries.js';

/** A name under which a process reads. The name for messages on hold is no such name. */
export const consumerName = (): Option<string> =>
  new Option<string>({
    expected: `a text that is not empty, nor ${HELD_CONSUMER}`,
    accepts: (value) => typeof value === 'string' && value !== '' && value !== HELD_CONSUMER,
    form: { is: 'text' },
  });

/** A name that no other process has, and by which an operator recognises the pod or host. */
export function defaultConsumerName(env: NodeJS.ProcessEnv = process.env): string {
  const place = env['POD_NAME'] || env['POD_IP'] || hostname();
  return `${place}-${process.pid}-${randomBytes(3).toString('hex')}`;
}
