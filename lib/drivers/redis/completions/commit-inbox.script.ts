import type { Redis } from 'ioredis';
import { Script } from '../scripting/script.js';
import type { QueuedCommand } from './redis.transaction.js';

/**
 * Carries out the commands that a handler has queued, and writes the note that says so. Does
 * nothing where the note exists. A command that the server refuses ends the script: the commands
 * before it stay, and no note is written.
 *
 * - KEYS: the note; the note of version 0.1.0, or the same key once more; then the keys of the
 *   commands.
 * - ARGV: the time to keep the note, in milliseconds; then for each command its name, the number
 *   of its keys, the number of its other arguments, and these arguments.
 * - Result: `written`, or `noted` where the note existed.
 *
 * Why a script: otherwise two runs could both find no note, and the commands would take effect
 * twice.
 */
const script = new Script(`
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 'noted' end
local key, at = 3, 2
while at <= #ARGV do
  local command = { ARGV[at] }
  for _ = 1, tonumber(ARGV[at + 1]) do
    command[#command + 1] = KEYS[key]
    key = key + 1
  end
  local count = tonumber(ARGV[at + 2])
  for i = at + 3, at + 2 + count do command[#command + 1] = ARGV[i] end
  redis.call(unpack(command))
  at = at + 3 + count
end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 'written'
`);

export interface InboxCommit {
  readonly note: string;
  /** The key of version 0.1.0, where that is read too. */
  readonly former: string | undefined;
  /** For how long the note is kept, in milliseconds. */
  readonly ttl: number;
  readonly queued: readonly QueuedCommand[];
}

export async function commitInbox(
  client: Redis,
  { note, former = note, ttl, queued }: InboxCommit,
): Promise<'written' | 'noted'> {
  const keys = [note, former, ...queued.flatMap((one) => one.keys)];
  const args = queued.flatMap((one) => [
    one.command,
    one.keys.length,
    one.args.length,
    ...one.args,
  ]);
  return (await script.run(client, keys, [ttl, ...args])) as 'written' | 'noted';
}
