import { PostgresScene } from './postgres-scene.js';
import { Scene, type WorkerScene } from './scene.js';

/** A scene on each server that a test of worker processes runs on: its name, and what opens it. */
export const SCENES: readonly (readonly [server: string, open: () => Promise<WorkerScene>])[] = [
  ['Redis', () => Scene.open()],
  ['PostgreSQL', () => PostgresScene.open()],
];
