import { Logger } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import type { Balancer } from '../../balancing/balancer.js';
import type { StreamNotification } from '../../balancing/notifications.js';
import { ON_STREAM, type OnStreamMark } from './on-stream.decorators.js';

type Method = (notification: StreamNotification) => unknown;

interface Listener extends OnStreamMark {
  readonly call: Method;
}

/** Connects methods with `@OnStreamAdded()` and its like. @returns whether there are any */
export function connectListeners(balancer: Balancer, modules: ModulesContainer): boolean {
  const instances = [...modules.values()]
    .flatMap(({ providers, controllers }) => [...providers.values(), ...controllers.values()])
    .map((wrapper) => wrapper.instance as unknown);
  // One may stand behind several tokens.
  const listeners = [...new Set(instances)]
    .flatMap((instance) => listenersOf(instance))
    .filter(({ service }) => service === undefined || service === balancer.service);
  const logger = new Logger('LoadBalancer');
  const logged = (error: unknown): void =>
    logger.error(`A listener failed: ${error instanceof Error ? error.message : String(error)}`);
  balancer.listen((notification) => {
    for (const { type, call } of listeners) {
      if (type !== notification.type) continue;
      // It may throw, or reject: neither is the load balancer's to answer for.
      void (async () => call(notification))().catch(logged);
    }
  });
  return listeners.length > 0;
}

function listenersOf(instance: unknown): Listener[] {
  if (typeof instance !== 'object' || instance === null) return [];
  const prototype = Object.getPrototypeOf(instance) as object | null;
  if (!prototype) return [];
  const methods = instance as Record<string, Method>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const marks = Reflect.getMetadata(ON_STREAM, methods[name]!) as OnStreamMark[] | undefined;
    return (marks ?? []).map((mark) => ({
      ...mark,
      call: (notification) => methods[name]!(notification),
    }));
  });
}
