/** Files on their way to the server, kept in the browser's database until they have arrived: a reload goes on where it was. */
export const DATABASE = 'uploads'
const STORE = 'files'

export interface KeptFile { key: string; id: string | null; subjectType: string; subjectId: string; material: string | null; name: string; blob: Blob }

function opened(): Promise<IDBDatabase> {
  return new Promise((done, fail) => {
    const asked = indexedDB.open(DATABASE, 1)
    asked.onupgradeneeded = () => { asked.result.createObjectStore(STORE, { keyPath: 'key' }) }
    asked.onsuccess = () => done(asked.result)
    asked.onerror = () => fail(asked.error)
  })
}

async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | null> {
  let database: IDBDatabase | null = null
  try {
    database = await opened()
    const request = work(database.transaction(STORE, mode).objectStore(STORE))
    return await new Promise<T>((done, fail) => {
      request.onsuccess = () => done(request.result)
      request.onerror = () => fail(request.error)
    })
  } catch {
    // A browser without room or in private mode still uploads; only a reload starts anew.
    return null
  } finally {
    database?.close()
  }
}

export const keepBlob = (file: KeptFile) => run('readwrite', (store) => store.put(file))
export const dropBlob = (key: string) => run('readwrite', (store) => store.delete(key))
export const keptBlobs = async (): Promise<KeptFile[]> => (await run<KeptFile[]>('readonly', (store) => store.getAll())) ?? []
