// @ts-check
/** @typedef {import('./types.js').Run} Run */

/** Of the workloads on servers that store on disk. */
export const BATCH = 500;
export const IN_FLIGHT = 500;

/**
 * The cases of a workload that compares a client with ours: in batches, and one by one.
 *
 * @param {string} baseline label of the client
 * @param {(batch: number) => import('./types.js').Entrant[]} entrants
 */
export function publishingCases(baseline, entrants) {
  return [
    { label: `by ${BATCH}`, baseline, entrants: entrants(BATCH) },
    { label: 'one by one', baseline, entrants: entrants(1) },
  ];
}

/**
 * Has one system publish messages of 200 B to a stream without any, and checks that each has arrived.
 *
 * @param {Run} run
 * @param {{ inFlight?: number, prepare?: (client: any, stream: string) => Promise<unknown> }} [options]
 * `prepare` makes what has to be there before the first message
 */
export async function publishFresh(
  { stage, entrant: { label, system, total = 0, batch }, warmUp },
  { inFlight = IN_FLIGHT, prepare = async () => undefined } = {},
) {
  const messages = warmUp ? total / 5 : total;
  const stream = stage.freshName('bench');
  const server = await stage.serverOf(system);
  const { url, client } = server;
  const child = await stage.child(system);
  await prepare(client, stream);
  await child.call('connect', { url, stream });
  const cpuBefore = await server.cpu();
  const { took, cpu } = await child.call('publish', {
    total: messages,
    size: 200,
    inFlight,
    batch,
  });
  const serverUs = ((await server.cpu()) - cpuBefore) / messages;
  await child.call('disconnect');
  const found = await stage.backlog(system).published(client, { stream, total: messages });
  if (found !== messages) throw new Error(`${label} published ${found} of ${messages} messages`);
  return { rate: messages / (took / 1000), nodeUs: cpu / messages, serverUs };
}
