import { createClient, type OrreryClient } from '../contract/client.ts';
import { daemonAddress } from './daemon-address.ts';
import { homeFolder } from './home.ts';
import { localFetch } from './local-fetch.ts';

// The client calls the global one, as it does in a browser; here that would load far more than the command itself.
Object.assign(globalThis, { fetch: localFetch });

/** A client of the home's daemon. Throws ORR_UNREACHABLE where none runs. */
export function connect(home: string = homeFolder()): OrreryClient {
  return createClient(daemonAddress(home));
}
