import { isObservable, type Observable } from 'rxjs';

/**
 * Whether a value is an Observable. Some values throw when they are looked at, which would not be
 * caught in a subscriber.
 */
export function isStream(value: unknown): value is Observable<unknown> {
  try {
    return isObservable(value);
  } catch {
    return false;
  }
}
