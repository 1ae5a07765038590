/** Photographs of documents made small enough for a phone's network, and turned upright. */
const LONGEST = 2400
const SMALL_BYTES = 900 * 1024
const QUALITY = 0.85
export const TAKEN = ['image/jpeg', 'image/png', 'application/pdf']

export interface Shrunk { blob: Blob; name: string }

/** What to upload for a chosen file: itself, or a smaller JPEG. Null when it is no picture and no PDF. */
export async function shrink(file: File): Promise<Shrunk | null> {
  const name = file.name.slice(-100)
  if (file.type === 'application/pdf') return { blob: file, name }
  if (TAKEN.includes(file.type) && file.size <= SMALL_BYTES) return { blob: file, name }
  const picture = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => null)
  if (!picture) return TAKEN.includes(file.type) ? { blob: file, name } : null
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(picture.width * scale)
  canvas.height = Math.round(picture.height * scale)
  const ink = canvas.getContext('2d')
  if (ink) {
    ink.fillStyle = '#fff'
    ink.fillRect(0, 0, canvas.width, canvas.height)
    ink.drawImage(picture, 0, 0, canvas.width, canvas.height)
  }
  picture.close()
  const smaller = ink ? await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', QUALITY)) : null
  if (smaller && (smaller.size < file.size || !TAKEN.includes(file.type))) return { blob: smaller, name: `${name.replace(/\.[^.]*$/, '') || 'photo'}.jpg` }
  return TAKEN.includes(file.type) ? { blob: file, name } : null
}
