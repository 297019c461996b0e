import { isObservable, type Observable } from 'rxjs';

/**
 * Whether a value is an Observable. In a subscriber nobody would catch what a value throws that cannot
 * even be looked at.
 */
export function isStream(value: unknown): value is Observable<unknown> {
  try {
    return isObservable(value);
  } catch {
    return false;
  }
}
