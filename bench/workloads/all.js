// @ts-check
import chain from './chain.js';
import commits from './commits.js';
import consumers from './consumers.js';
import delays from './delays.js';
import dedupe from './dedupe.js';
import drain from './drain.js';
import failures from './failures.js';
import groups from './groups.js';
import guarantees from './guarantees.js';
import hot from './hot.js';
import idle from './idle.js';
import kafkaDrain from './kafka/drain.js';
import kafkaLatency from './kafka/latency.js';
import kafkaMemory from './kafka/memory.js';
import kafkaPublish from './kafka/publish.js';
import latency from './latency.js';
import memory from './memory.js';
import natsDrain from './nats/drain.js';
import natsLatency from './nats/latency.js';
import natsPublish from './nats/publish.js';
import ordering from './ordering.js';
import postgresDrain from './postgres/drain.js';
import postgresLatency from './postgres/latency.js';
import postgresPublish from './postgres/publish.js';
import postgresRelay from './postgres/relay.js';
import publish from './publish.js';
import request from './request.js';
import retention from './retention.js';
import sleep from './sleep.js';
import soak from './soak.js';
import streams from './streams.js';
import tracing from './tracing.js';

/** In the order in which they run and are shown. */
export const workloads = [
  drain,
  sleep,
  publish,
  delays,
  latency,
  request,
  memory,
  retention,
  consumers,
  streams,
  hot,
  failures,
  groups,
  guarantees,
  tracing,
  dedupe,
  commits,
  chain,
  ordering,
  idle,
  postgresDrain,
  postgresPublish,
  postgresLatency,
  postgresRelay,
  natsDrain,
  natsPublish,
  natsLatency,
  kafkaDrain,
  kafkaPublish,
  kafkaLatency,
  kafkaMemory,
  soak,
];
