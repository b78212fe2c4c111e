"""Judge a synthetic cohort: is it real, is it useful, is it safe? Tables in, tables out."""
