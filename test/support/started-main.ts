import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { onTestFinished, vi } from 'vitest';

/** Runs a main file, and gives the application that it makes. HTTP is served on a free port. */
export async function startedMain<App extends INestApplicationContext>(
  main: () => Promise<unknown>,
): Promise<App> {
  vi.stubEnv('PORT', '0');
  const create = vi.spyOn(NestFactory, 'create');
  const createMicroservice = vi.spyOn(NestFactory, 'createMicroservice');
  await main();
  const made = [...create.mock.results, ...createMicroservice.mock.results];
  const app = (await made[0]!.value) as App;
  onTestFinished(() => app.close());
  create.mockRestore();
  createMicroservice.mockRestore();
  return app;
}
