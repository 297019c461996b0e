import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** A name that no other process has, and by which an operator recognises the pod or host. */
export function defaultConsumerName(env: NodeJS.ProcessEnv = process.env): string {
  const place = env['POD_NAME'] || env['POD_IP'] || hostname();
  return `${place}-${process.pid}-${randomBytes(3).toString('hex')}`;
}
