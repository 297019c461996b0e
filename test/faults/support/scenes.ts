import { missingKafka } from '../../support/kafka-jars.js';
import { missingNats } from '../../support/nats-binaries.js';
import { KafkaScene } from './kafka-scene.js';
import { NatsScene } from './nats-scene.js';
import { PostgresScene } from './postgres-scene.js';
import { Scene, type WorkerScene } from './scene.js';

type Opening = readonly [server: string, open: () => Promise<WorkerScene>];

/** A scene on each server that a test of worker processes runs on: its name, and what opens it. */
export const SCENES: readonly Opening[] = [
  ['Redis', () => Scene.open()],
  ['PostgreSQL', () => PostgresScene.open()],
];

/**
 * Also those whose consumers do not know of each other. The newer NATS server, which has delays. Without
 * it, or Kafka, the files of that technology alone say what was not run.
 */
export const ALL_SCENES: readonly Opening[] = [
  ...SCENES,
  ...(missingNats('current') ? [] : [natsScene()]),
];

/** Also those without a state store. */
export const SOURCE_SCENES: readonly Opening[] = [
  ...ALL_SCENES,
  ...(missingKafka() ? [] : [kafkaScene()]),
];

function kafkaScene(): Opening {
  return ['Kafka', () => KafkaScene.open()];
}

function natsScene(): Opening {
  return ['NATS', () => NatsScene.open({ version: 'current' })];
}
