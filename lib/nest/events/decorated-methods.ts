import type { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** What finds decorated methods in an application. */
export interface Discovered {
  readonly discovery: DiscoveryService;
  readonly scanner: MetadataScanner;
  readonly reflector: Reflector;
}

/** A method of a provider or controller that has a decorator of the library. */
export interface DecoratedMethod<Mark> {
  /** What the decorator was given. */
  readonly mark: Mark;
  /** Such as `Pager.page`. */
  readonly label: string;
  readonly call: (...args: unknown[]) => unknown;
  /**
   * False: its class is made for each request, or for each class that injects it, so the application
   * has no instance to call.
   */
  readonly callable: boolean;
}

/**
 * Finds the methods of providers and controllers with the metadata `key`. An instance that is
 * registered under several tokens counts once.
 */
export function decoratedMethods<Mark>(
  { discovery, scanner, reflector }: Discovered,
  key: symbol,
): DecoratedMethod<Mark>[] {
  const seen = new Set<object>();
  const methodsOf = (wrapper: Wrapper): DecoratedMethod<Mark>[] => {
    const instance: unknown = wrapper.instance;
    if (typeof instance !== 'object' || !instance || seen.has(instance)) return [];
    seen.add(instance);
    const prototype = Object.getPrototypeOf(instance) as object | null;
    if (!prototype) return [];
    return scanner.getAllMethodNames(prototype).flatMap((method) => {
      const callback = (instance as Record<string, unknown>)[method];
      if (typeof callback !== 'function') return [];
      const mark = reflector.get<Mark | undefined>(key, callback);
      if (mark === undefined) return [];
      const label = `${instance.constructor.name}.${method}`;
      const callable = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      return [{ mark, label, call: callback.bind(instance), callable }];
    });
  };
  return [...discovery.getProviders(), ...discovery.getControllers()].flatMap(methodsOf);
}
