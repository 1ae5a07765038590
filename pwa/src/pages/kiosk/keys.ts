/** The kiosk's own key pair: made here, not extractable, kept in this browser; and what it signs (docs/devices.md). */
export interface Me { id: string; keys: CryptoKeyPair; next?: CryptoKeyPair }

const STORE = 'device'
const KEY = 'me'
const text = new TextEncoder()

export const hex = (bytes: ArrayBuffer | Uint8Array): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')

/** A new Ed25519 key pair. Raises NotSupportedError in a browser that does not know it (Chromium before 137). */
export const newKeys = (): Promise<CryptoKeyPair> => crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']) as Promise<CryptoKeyPair>
export const publicKey = async (keys: CryptoKeyPair): Promise<string> => hex(await crypto.subtle.exportKey('raw', keys.publicKey))
export const sign = async (keys: CryptoKeyPair, lines: (string | number)[]): Promise<string> =>
  hex(await crypto.subtle.sign('Ed25519', keys.privateKey, text.encode(lines.join('\n'))))
export const digest = async (body: string): Promise<string> => hex(await crypto.subtle.digest('SHA-256', text.encode(body)))

/** The lines of a signed request; `target` is path and query as sent. */
export const lines = async (id: string, method: string, target: string, body: string, time: number, nonce: string): Promise<(string | number)[]> =>
  ['WZW-DEVICE-1', id, method, target, await digest(body), time, nonce]

function store<T>(mode: IDBTransactionMode, work: (kept: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((done, failed) => {
    const opening = indexedDB.open('kiosk', 1)
    opening.onupgradeneeded = () => { opening.result.createObjectStore(STORE) }
    opening.onerror = () => failed(opening.error)
    opening.onsuccess = () => {
      const asked = work(opening.result.transaction(STORE, mode).objectStore(STORE))
      asked.onerror = () => failed(asked.error)
      asked.onsuccess = () => {
        opening.result.close()
        done(asked.result)
      }
    }
  })
}

export const recall = (): Promise<Me | undefined> => store<Me | undefined>('readonly', (kept) => kept.get(KEY))
export const keep = (me: Me): Promise<unknown> => store('readwrite', (kept) => kept.put(me, KEY))
export const forget = (): Promise<unknown> => store('readwrite', (kept) => kept.delete(KEY))
