/** The files of one material, or of one thread: those the server has, those on their way, and what can be done with them. */
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { api } from '../../../api/client'
import type { StoredFile } from '../../../api/types'
import { t } from '../../../i18n'
import { prefs } from '../../../state/prefs'
import { arrived, resumeUploads, upload, uploadsOf } from '../../../state/uploads'
import { said } from '../../citizen/parts/said'
import { shrink } from '../shrink'

const EVERY_MS = 1500

export function useFiles(subjectType: string, subjectId: string, material: string | null) {
  const stored = shallowRef<StoredFile[]>([])
  const problem = ref('')
  const subject = { subject_type: subjectType, subject_id: subjectId }
  const sending = computed(() => uploadsOf(subjectType, subjectId, material))
  /** Files whose bytes are not on this phone any more count as cut off. */
  const files = computed(() => {
    const mine = new Set(sending.value.map((one) => one.id))
    return stored.value.filter((one) => !mine.has(one.id))
  })
  const checking = computed(() => files.value.some((one) => one.state === 'checking'))

  async function reload(): Promise<void> {
    try {
      const answer = await api.get<{ files: StoredFile[] }>('/files', subject)
      stored.value = answer.files.filter((one) => one.material === material)
    } catch (error) {
      problem.value = said(error)
    }
  }

  async function add(chosen: FileList | null): Promise<void> {
    problem.value = ''
    for (const file of chosen ?? []) {
      const ready = await shrink(file)
      if (ready) upload({ subjectType, subjectId, material, name: ready.name, blob: ready.blob })
      else problem.value = t('filing.wrong_kind', { name: file.name })
    }
  }

  async function act(work: () => Promise<unknown>): Promise<void> {
    problem.value = ''
    try {
      await work()
    } catch (error) {
      problem.value = said(error)
    }
    await reload()
  }
  const remove = (id: string) => act(() => api.delete(`/files/${id}`))

  /** Swaps a page with the one before it. */
  function up(at: number): Promise<void> {
    const order = files.value.map((one) => one.id)
    const [moved] = order.splice(at, 1)
    if (moved) order.splice(at - 1, 0, moved)
    return act(() => api.put('/files/order', { ...subject, files: order }))
  }

  // A row that is on its way becomes one that has arrived without a gap between the two.
  watch(arrived, (now) => {
    if (now?.file && now.upload.subjectId === subjectId && now.file.material === material) {
      const { file } = now
      stored.value = [...stored.value.filter((one) => one.id !== file.id), file]
    }
    void reload()
  })
  watch(() => prefs.lang, () => { void reload() })
  const timer = window.setInterval(() => { if (checking.value && !document.hidden) void reload() }, EVERY_MS)
  onScopeDispose(() => window.clearInterval(timer))
  void resumeUploads()
  void reload()
  return { files, sending, checking, problem, add, act, remove, up, reload }
}
