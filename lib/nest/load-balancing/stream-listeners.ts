import { Logger } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import type { Balancer } from '../../load-balancing/balancer.js';
import type { StreamNotification } from '../../load-balancing/notifications.js';
import { messageOf } from '../../core/errors/error-record.js';
import { ON_STREAM, type OnStreamMark } from './on-stream.decorators.js';

type Method = (notification: StreamNotification) => unknown;

interface Listener extends OnStreamMark {
  readonly call: Method;
}

/**
 * Connects methods with `@OnStreamAdded()` and the other decorators. @returns whether there are any
 */
export function connectListeners(balancer: Balancer, modules: ModulesContainer): boolean {
  const logger = new Logger('LoadBalancer');
  const wrappers = [...modules.values()].flatMap(({ providers, controllers }) => [
    ...providers.values(),
    ...controllers.values(),
  ]);
  // The same instance may be registered under several tokens.
  const instances = new Map(wrappers.map((wrapper) => [wrapper.instance as unknown, wrapper]));
  const listeners = [...instances].flatMap(([instance, wrapper]) => {
    const found = listenersOf(instance).filter(
      ({ service }) => service === undefined || service === balancer.service,
    );
    if (found.length === 0 || wrapper.isDependencyTreeStatic()) return found;
    logger.warn(
      `The listeners of ${wrapper.name} are never called: there is no request to make it for. Move them to a provider of the default scope.`,
    );
    return [];
  });
  const logged = (error: unknown): void => logger.error(`A listener failed: ${messageOf(error)}`);
  balancer.listen((notification) => {
    for (const { type, call } of listeners) {
      if (type !== notification.type) continue;
      // An error of the method is logged, and does not reach the load balancer.
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
