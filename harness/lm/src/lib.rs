//! Decoder language models on candle: training, sampling and scoring.
