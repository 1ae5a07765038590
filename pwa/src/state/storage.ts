/** Browser storage that may be full, forbidden or hold old shapes. */
export function read<T>(store: Storage, key: string): T | null {
  try {
    const text = store.getItem(key)
    return text === null ? null : (JSON.parse(text) as T)
  } catch {
    return null
  }
}

export function write(store: Storage, key: string, value: unknown): boolean {
  try {
    if (value === null) store.removeItem(key)
    else store.setItem(key, JSON.stringify(value))
    return true
  } catch {
    return false
  }
}
