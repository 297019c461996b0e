import type { Socket } from 'node:net';

const JOIN_GROUP = 11;
/** The version of the request that has the instance id, and is the newest one of kafkajs. */
const VERSION = 5;
const LENGTH_SIZE = 4;
const MISSING = -1;

/**
 * Lets the joins that are written to this socket name a static member: kafkajs leaves the field of
 * Kafka's protocol empty, and has no option for it. All other requests pass as they are.
 */
export function nameStaticMember(socket: Socket, instanceId: string): void {
  const write = socket.write.bind(socket) as (chunk: Buffer, ...rest: unknown[]) => boolean;
  socket.write = ((chunk: Buffer, ...rest: unknown[]) =>
    write(withInstanceId(chunk, instanceId), ...rest)) as Socket['write'];
}

/** Returns the request with the instance id, where it is a join without one. */
export function withInstanceId(request: Buffer, instanceId: string): Buffer {
  if (!Buffer.isBuffer(request) || request.length < 14) return request;
  if (request.readInt16BE(4) !== JOIN_GROUP || request.readInt16BE(6) !== VERSION) return request;
  // Behind the header: group id, session timeout, rebalance timeout, member id, instance id.
  const clientIdEnd = endOfText(request, 12);
  const timeoutsEnd = endOfText(request, clientIdEnd) + 8;
  const at = endOfText(request, timeoutsEnd);
  if (request.readInt16BE(at) !== MISSING) return request;
  const id = Buffer.from(instanceId);
  const length = Buffer.alloc(2);
  length.writeInt16BE(id.length);
  const named = Buffer.concat([request.subarray(0, at), length, id, request.subarray(at + 2)]);
  named.writeInt32BE(named.length - LENGTH_SIZE, 0);
  return named;
}

/** Where a text of the protocol ends: its length stands before it. */
const endOfText = (request: Buffer, at: number): number =>
  at + 2 + Math.max(0, request.readInt16BE(at));
