// Remembers everything that moved without being asked to.
globalThis.layoutShifts = []
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue
    const what = entry.sources.map((one) => one.node && (one.node.outerHTML || one.node.textContent || '').slice(0, 80)).join(', ')
    layoutShifts.push({ value: entry.value, what })
  }
}).observe({ type: 'layout-shift', buffered: true })
